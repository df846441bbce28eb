select c.oid::regclass::text as name, exists (
	select from agentmux.agent_roles as r where r.role = pg_get_userbyid(c.relowner)
) as agents
from pg_class as c where c.relkind in ('r', 'm') and c.relpersistence <> 't' order by c.oid
