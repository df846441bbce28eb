select obj_description(to_regnamespace('supabase_migrations'), 'pg_namespace') as fingerprint,
	(select count(*) = 3 and bool_and(pg_has_role(r.oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end))
		from pg_roles as r where r.rolname in ('anon', 'authenticated', 'service_role')) as roles
