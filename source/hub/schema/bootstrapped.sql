-- `roles`: whether all are there, and the owner of the mailbox may take them. Another user was given what it needs by whoever let
-- it act as the owner.
select obj_description(to_regnamespace('supabase_migrations'), 'pg_namespace') as fingerprint,
	(select count(*) = 3 and bool_and(pg_has_role(r.oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)
			or (select n.nspowner from pg_namespace as n where n.nspname = 'supabase_migrations') <> to_regrole(quote_ident(current_user)))
		from pg_roles as r where r.rolname in ('anon', 'authenticated', 'service_role')) as roles
