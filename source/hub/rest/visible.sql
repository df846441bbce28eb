select json_build_object(
	'tables', coalesce((select json_agg(c.relname) from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'v', 'm', 'f', 'p') and (
		pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
		or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')
	)), '[]'),
	'routines', coalesce((select json_agg(p.proname) from pg_catalog.pg_proc p
		where p.pronamespace = n.oid and pg_catalog.has_function_privilege(p.oid, 'EXECUTE')), '[]')
)::text as visible from pg_catalog.pg_namespace n where n.nspname = $1
