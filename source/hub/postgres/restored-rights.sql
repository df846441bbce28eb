select coalesce(
	has_table_privilege('authenticated', m.oid, 'select') and has_any_column_privilege('authenticated', m.oid, 'insert')
	and has_table_privilege('service_role', m.oid, 'insert')
	and has_schema_privilege('authenticated', 'public', 'usage')
	and has_function_privilege('authenticated', to_regprocedure('public.mux_guard()'), 'execute')
	and exists (select from pg_policy as p where p.polrelid = m.oid and p.polname = 'messages_read'), false) as whole
from pg_class as m where m.oid = to_regclass('public.messages')
