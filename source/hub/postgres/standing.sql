select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
	pg_is_in_recovery() as standby, current_user::text as "user", current_database()::text as database,
	m.fingerprint is not null as ours,
	exists (
		select from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where (n.nspname, c.relname) in (('auth', 'users'), ('realtime', 'subscription'))
	) as supabase,
	coalesce((select string_agg(nspname, ' and ') from pg_namespace where nspname in ('auth', 'realtime')), '') as foreign,
	case when m.owner is null or pg_has_role(m.owner, 'usage') then '' else m.owner::regrole::text end as other
from (select) as one
left join (
	select nspowner as owner, obj_description(oid, 'pg_namespace') as fingerprint
	from pg_namespace where nspname = 'supabase_migrations'
) as m on true
