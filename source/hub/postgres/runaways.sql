select pid as process, left(query, 100) as query,
	(extract(epoch from clock_timestamp() - query_start) * 1000)::float8 as running
from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
	and state = 'active' and query like '/* agentmux: SQL of %' and query_start < clock_timestamp() - $1::float8 * interval '1 millisecond'
