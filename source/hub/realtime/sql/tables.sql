select json_build_object('oid', c.oid::text, 'schema', n.nspname, 'name', c.relname, 'secured', c.relrowsecurity, 'partial', (
	select r.prattrs is not null from pg_publication_rel r where r.prrelid = c.oid and r.prpubid = p.oid
) is true, 'columns', (
	select coalesce(json_agg(json_build_object('name', a.attname, 'udt', t.typname, 'type', format_type(a.atttypid, null),
		'key', coalesce(a.attnum = any (i.indkey), false)) order by a.attnum), '[]')
	from pg_attribute a
	join pg_type t on t.oid = a.atttypid
	left join pg_index i on i.indrelid = c.oid and i.indisprimary
	left join pg_publication_rel r on r.prrelid = c.oid and r.prpubid = p.oid
	where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (r.prattrs is null or a.attnum = any (r.prattrs))
))::text as "table"
from pg_publication p
join pg_publication_tables pt on pt.pubname = p.pubname
join pg_namespace n on n.nspname = pt.schemaname
join pg_class c on c.relnamespace = n.oid and c.relname = pt.tablename
where p.pubname = 'supabase_realtime'
