select c.relname as table, format('alter table public.%I owner to', c.relname) as alter, r.tag, r.role
from pg_class as c
join pg_policy as p on p.polrelid = c.oid and p.polname = 'agent_results'
left join agentmux.agent_roles as r on r.role = substring(obj_description(p.oid, 'pg_policy') from '^table of (.+)$')
where c.relnamespace = 'public'::regnamespace and pg_get_userbyid(c.relowner) = current_user
order by c.relname
