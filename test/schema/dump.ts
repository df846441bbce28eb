import {type MigratedDatabase, owner} from '../helpers/migrated.ts';

/** What the migrations leave in `public`, as text that a person can compare: one line for each thing, the same on every engine. */
export async function dumpSchema(database: MigratedDatabase): Promise<string> {
	const sections: string[] = [];
	for (const [title, sql] of Object.entries(parts)) {
		const rows = await database.as(owner, `select line from (${sql}) as part (line) order by line collate "C"`);
		sections.push([`# ${title}`, ...rows.map(row => row['line'] as string)].join('\n'));
	}
	return `${sections.join('\n\n')}\n`;
}

const tables = `select oid, relname, relacl, relowner from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')`;
const functions = `select * from pg_proc where pronamespace = 'public'::regnamespace`;
const grantee = `coalesce(nullif(pg_get_userbyid(acl.grantee), 'unknown (OID=0)'), 'public')`;

const parts = {
	columns: `
		select format('%s.%s %s%s%s', t.relname, lpad(a.attnum::text, 2, '0'), a.attname || ' ' || format_type(a.atttypid, a.atttypmod),
			case when a.attnotnull then ' not null' end,
			case when a.attidentity <> '' then ' identity' when a.attgenerated = 's' then ' generated ' || pg_get_expr(d.adbin, d.adrelid)
				else ' default ' || pg_get_expr(d.adbin, d.adrelid) end)
		from (${tables}) as t join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
		left join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum`,
	constraints: `
		select format('%s %s: %s', t.relname, c.conname, pg_get_constraintdef(c.oid))
		from (${tables}) as t join pg_constraint as c on c.conrelid = t.oid and c.contype <> 'n'`,
	indexes: `select pg_get_indexdef(i.indexrelid) from (${tables}) as t join pg_index as i on i.indrelid = t.oid`,
	triggers: `select pg_get_triggerdef(g.oid) from (${tables}) as t join pg_trigger as g on g.tgrelid = t.oid and not g.tgisinternal`,
	'row level security': `
		select format('%s %s', t.relname, case when c.relrowsecurity then 'on' else 'OFF' end) from (${tables}) as t join pg_class as c on c.oid = t.oid
		union all
		select format('%s %s: %s to %s using %s with check %s', tablename, policyname, lower(cmd), array_to_string(roles, ', '),
			coalesce(regexp_replace(qual, '\\s+', ' ', 'g'), '-'), coalesce(regexp_replace(with_check, '\\s+', ' ', 'g'), '-'))
		from pg_policies where schemaname = 'public'`,
	functions: `
		select format('%s returns %s; %s%s; %s; body %s', p.oid::regprocedure, pg_get_function_result(p.oid),
			case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
			case when p.prosecdef then ', security definer' end, array_to_string(p.proconfig, ', '), left(md5(p.prosrc), 8))
		from (${functions}) as p`,
	grants: `
		select format('%s on %s to %s', string_agg(lower(acl.privilege_type), ', ' order by acl.privilege_type), t.relname, ${grantee})
		from (${tables}) as t cross join lateral aclexplode(t.relacl) as acl where acl.grantee <> t.relowner group by t.relname, acl.grantee
		union all
		select format('%s (%s) on %s to %s', lower(acl.privilege_type), string_agg(a.attname, ', ' order by a.attnum), t.relname, ${grantee})
		from (${tables}) as t join pg_attribute as a on a.attrelid = t.oid cross join lateral aclexplode(a.attacl) as acl
		group by t.relname, acl.privilege_type, acl.grantee
		union all
		select format('execute on %s to %s', p.oid::regprocedure, string_agg(${grantee}, ', ' order by ${grantee}))
		from (${functions}) as p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
		where acl.grantee <> p.proowner group by p.oid`,
	publication: `select format('%s: %s', pubname, tablename) from pg_publication_tables where schemaname = 'public'`,
};
