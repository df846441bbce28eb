select w.pid as waiting, b.pid as process, a.usename as "user", a.application_name as program, left(a.query, 100) as query,
	coalesce(extract(epoch from clock_timestamp() - a.xact_start) * 1000, 0)::float8 as running
from (
	select distinct l.pid from pg_locks as l join pg_stat_activity as s on s.pid = l.pid
	where not l.granted and s.datname = current_database()
) as w cross join lateral unnest(pg_blocking_pids(w.pid)) as b (pid)
left join pg_stat_activity as a on a.pid = b.pid
