/** The display name of the type that a domain is based on; of the type itself if it is not a domain. */
const baseOf = (type: string): string =>
	`(select pg_catalog.format_type(b.base, null) from bases b where b.oid = ${type})`;

/** Reads the whole catalog as one JSON document; $1 is the exposed schema. The search_path must be empty, so that types are qualified. */
export const catalogQuery = `
with recursive exposed as (select oid, nspname from pg_catalog.pg_namespace where nspname = $1),
owned as (select oid from pg_catalog.pg_namespace where nspname not like 'pg\\_%' and nspname <> 'information_schema'),
bases as (
	select oid, oid as base from pg_catalog.pg_type where typtype <> 'd'
	union all
	select t.oid, b.base from pg_catalog.pg_type t join bases b on b.oid = t.typbasetype where t.typtype = 'd'
),
relations as (
	select c.*, e.nspname from pg_catalog.pg_class c join exposed e on e.oid = c.relnamespace
	where c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
),
columns as (
	select a.attrelid, json_agg(json_build_object(
		'name', a.attname,
		'type', pg_catalog.format_type(a.atttypid, -1),
		'display', pg_catalog.format_type(a.atttypid, null),
		'base', ${baseOf('a.atttypid')},
		'nullable', not (a.attnotnull or t.typtype = 'd' and t.typnotnull),
		'default', case
			when a.attidentity <> '' then pg_catalog.format('nextval(%L::regclass)', pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname))
			when a.attgenerated = '' then coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.pg_get_expr(t.typdefaultbin, 0))
		end,
		'maxLength', case when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4 end,
		'labels', (select json_agg(l.enumlabel order by l.enumsortorder) from pg_catalog.pg_enum l where l.enumtypid = a.atttypid),
		'description', pg_catalog.col_description(a.attrelid, a.attnum)
	) order by a.attnum) as list
	from pg_catalog.pg_attribute a
	join pg_catalog.pg_type t on t.oid = a.atttypid
	left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
	where a.attnum > 0 and not a.attisdropped and (
		a.attrelid in (select oid from relations)
		or a.attrelid in (
			select r.typrelid from pg_catalog.pg_proc p join bases b on b.oid = p.prorettype join pg_catalog.pg_type r on r.oid = b.base
			where p.pronamespace in (select oid from exposed) and r.typrelid <> 0
		)
	)
	group by a.attrelid
),
tables as (
	select json_agg(json_build_object(
		'oid', r.oid::bigint, 'schema', r.nspname, 'name', r.relname,
		'isView', r.relkind in ('v', 'm'),
		'insertable', pg_catalog.pg_relation_is_updatable(r.oid, true) & 8 = 8,
		'updatable', pg_catalog.pg_relation_is_updatable(r.oid, true) & 4 = 4,
		'deletable', pg_catalog.pg_relation_is_updatable(r.oid, true) & 16 = 16,
		'description', pg_catalog.obj_description(r.oid, 'pg_class'),
		'numbers', (
			select json_agg(json_build_array(a.attnum, a.attname) order by a.attnum) from pg_catalog.pg_attribute a
			where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
		),
		'columns', c.list
	) order by r.relname) as list
	from relations r left join columns c on c.attrelid = r.oid
),
keys as (
	select json_agg(json_build_object(
		'constraint', k.conname, 'kind', k.contype, 'from', k.conrelid::bigint, 'to', k.confrelid::bigint,
		'columns', (
			select json_agg(json_build_array(p.near, p.far) order by p.position)
			from unnest(k.conkey, k.confkey) with ordinality as p(near, far, position)
		),
		'unique', exists (
			select from pg_catalog.pg_constraint u where u.conrelid = k.conrelid and u.contype in ('p', 'u')
			and u.conkey @> k.conkey and u.conkey <@ k.conkey
		)
	) order by k.conname) as list
	from pg_catalog.pg_constraint k join owned o on o.oid = k.connamespace
	where k.contype in ('f', 'p') and k.conparentid = 0
),
views as (
	select json_agg(json_build_object('oid', v.oid::bigint, 'rule', r.ev_action::text)) as list
	from pg_catalog.pg_class v join owned o on o.oid = v.relnamespace
	join pg_catalog.pg_rewrite r on r.ev_class = v.oid and r.rulename = '_RETURN'
	where v.relkind in ('v', 'm')
),
routines as (
	select json_agg(json_build_object(
		'schema', e.nspname, 'name', p.proname,
		'description', pg_catalog.obj_description(p.oid, 'pg_proc'),
		'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
		'set', p.proretset, 'rows', p.prorows,
		'type', pg_catalog.format_type(p.prorettype, -1),
		'display', pg_catalog.format_type(p.prorettype, null),
		'base', ${baseOf('p.prorettype')},
		'rowOf', case when r.typtype = 'c' then (select x.relname from relations x where x.oid = r.typrelid) end,
		'isRow', r.typtype = 'c',
		'columns', c.list,
		'defaults', p.pronargdefaults,
		'parameters', (
			select json_agg(json_build_object(
				'name', coalesce(p.proargnames[a.position], ''),
				'mode', coalesce(p.proargmodes[a.position], 'i'),
				'type', pg_catalog.format_type(a.type, -1),
				'display', pg_catalog.format_type(a.type, null),
				'rowOf', (select x.relname from relations x join pg_catalog.pg_type y on y.typrelid = x.oid where y.oid = a.type)
			) order by a.position)
			from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a(type, position)
		)
	) order by p.proname, p.oid) as list
	from pg_catalog.pg_proc p
	join exposed e on e.oid = p.pronamespace
	join bases b on b.oid = p.prorettype
	join pg_catalog.pg_type r on r.oid = b.base
	left join columns c on c.attrelid = r.typrelid
	where p.prokind = 'f' and p.prorettype not in ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
),
types as (
	select json_agg(json_build_array(t.typname, pg_catalog.format_type(t.oid, null), pg_catalog.format_type(t.oid, -1))
		order by n.nspname = 'pg_catalog') as list
	from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
	where (n.nspname = 'pg_catalog' or n.oid in (select oid from exposed))
	and t.typtype in ('b', 'd', 'e', 'r', 'm')
)
select json_build_object(
	'tables', coalesce(tables.list, '[]'), 'keys', coalesce(keys.list, '[]'), 'views', coalesce(views.list, '[]'),
	'routines', coalesce(routines.list, '[]'), 'types', types.list,
	'description', (select pg_catalog.obj_description(oid, 'pg_namespace') from exposed)
)::text as catalog
from tables, keys, views, routines, types`;

/**
 * A value that changes whenever the catalog does: each row has the id of the transaction that wrote it, and deletions change the count.
 * Costs a few sequential scans of small tables.
 */
export const fingerprintQuery = `select ${[
	'pg_namespace',
	'pg_class',
	'pg_attribute',
	'pg_attrdef',
	'pg_constraint',
	'pg_type',
	'pg_proc',
	'pg_rewrite',
	'pg_description',
]
	.map(table => `(select count(*) || ':' || max(xmin::text::bigint) from pg_catalog.${table})`)
	.join(` || ' ' || `)} as fingerprint`;
