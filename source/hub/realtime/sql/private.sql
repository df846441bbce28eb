select (r.rolsuper or r.rolbypassrls or not c.relrowsecurity or exists (
	select from pg_policy p, unnest(p.polroles) member
	where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('r', '*') and (member = 0 or pg_has_role(r.oid, member, 'usage'))
)) as may
from pg_roles r, pg_class c where r.rolname = $1::text and c.oid = 'realtime.messages'::regclass
