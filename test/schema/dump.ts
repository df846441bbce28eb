import {readFileSync} from 'node:fs';
import {type MigratedDatabase, migrationFiles, owner} from '../helpers/migrated.ts';

/** Where the schema stands, for whoever wants to read it. */
export const schemaFile = new URL('../../supabase/schema.sql', import.meta.url);

const head = `-- The whole schema that the migrations make, grouped as they are. To be read: \`npm run schema-check -- --write\` writes it.
-- Left out are owners, and what PostgreSQL makes by itself.
`;

/** An object as the database describes it: under which table it stands, if any, and the statements that make it. */
interface Piece {
	readonly name: string;
	readonly text: string;
}

/** What the migrations leave in \`public\` and \`agentmux\`, as SQL, the same on every engine. */
export async function dumpSchema(database: Pick<MigratedDatabase, 'as'>): Promise<string> {
	const [tables, functions, publication] = await Promise.all(
		[tablesQuery, functionsQuery, publicationQuery].map(
			async query => (await database.as(owner, query)) as unknown as readonly Piece[],
		),
	);
	const {nouns, comments} = readNouns();
	const left = new Map([...(tables ?? []), ...(functions ?? [])].map(({name, text}) => [name, text]));
	const take = (names: readonly string[]): string =>
		names
			.flatMap(name => {
				const text = left.get(name);
				left.delete(name);
				return text === undefined ? [] : [`${comments.get(name) ?? ''}${text}\n`];
			})
			.join('\n');
	const sections = nouns.map(([noun, names]) => [noun, take(names)] as const);
	// What no migration names: a function that another one makes.
	const others = ['others', take([...left.keys()])] as const;
	return [
		head,
		...[...sections, others].filter(([, text]) => text !== '').map(([noun, text]) => `-- ==== ${noun} ====\n\n${text}`),
		`-- ==== publication ====\n\n${(publication ?? []).map(({text}) => text).join('\n')}\n`,
	].join('\n');
}

/** Which migration first made a table or function, in their order, and what is said before its last definition. */
function readNouns(): {
	nouns: ReadonlyArray<readonly [string, readonly string[]]>;
	comments: ReadonlyMap<string, string>;
} {
	const seen = new Set<string>();
	const comments = new Map<string, string>();
	const nouns = migrationFiles().map(({name, sql}) => {
		const made: string[] = [];
		const pattern =
			/(?<comment>(?:^--[^\n]*\n)*)^(?<verb>create (?:or replace )?|comment on )(?<object>(?:table|function) (?:if not exists )?[a-z_.]+)/gm;
		for (const {groups: {comment = '', verb = '', object: found = ''} = {}} of sql.matchAll(pattern)) {
			const object = found.replace('if not exists ', '');
			// A table is made once; what is said of it later stands before its comment in the database.
			if (verb !== 'comment on ' || comment !== '') comments.set(object, comment);
			if (verb === 'comment on ') continue;
			if (!seen.has(object)) made.push(object);
			seen.add(object);
		}
		return [name, made] as const;
	});
	return {nouns, comments};
}

// What agents' roles and tests make is none of it.
const ours = `relnamespace in ('public'::regnamespace, 'agentmux'::regnamespace) and pg_get_userbyid(relowner) !~ '^agent_'`;
const grantee = `coalesce(nullif(pg_get_userbyid(acl.grantee), 'unknown (OID=0)'), 'public')`;

/** A table with all that belongs to it. */
const tablesQuery = `
	select format('table %s.%s', n.nspname, c.relname) as name, concat_ws(E'\\n',
		format('create table %s.%s (%s', n.nspname, c.relname, coalesce(E'\\n' || (
			select string_agg(line, E',\\n' order by kind, place) from (
				select 1 as kind, a.attnum::bigint as place, format('  %I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
					case when a.attcollation <> t.typcollation then ' collate "C"' end,
					case when a.attnotnull then ' not null' end,
					case when a.attidentity <> '' then ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity'
						when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
						else ' default ' || pg_get_expr(d.adbin, d.adrelid) end)
				from pg_attribute as a join pg_type as t on t.oid = a.atttypid
				left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
				where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
				union all
				select 2, row_number() over (order by k.conname collate "C"), format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
				from pg_constraint as k where k.conrelid = c.oid and k.contype <> 'n'
			) as lines (kind, place, line)
		) || E'\\n', '') || ');'),
		(select string_agg(format('comment on column %s.%s.%I is %L;', n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum)), E'\\n' order by a.attname collate "C")
			from pg_attribute as a where a.attrelid = c.oid and col_description(c.oid, a.attnum) is not null),
		case when obj_description(c.oid, 'pg_class') is not null then
			format('comment on table %s.%s is %L;', n.nspname, c.relname, obj_description(c.oid, 'pg_class')) end,
		(select string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\\n' order by i.indexrelid::regclass::text collate "C") from pg_index as i
			where i.indrelid = c.oid and not exists (select from pg_constraint as k where k.conindid = i.indexrelid and k.conrelid = c.oid)),
		(select string_agg(pg_get_triggerdef(g.oid) || ';', E'\\n' order by g.tgname collate "C") from pg_trigger as g
			where g.tgrelid = c.oid and not g.tgisinternal and g.tgname <> '0_realtime' and g.tgname !~ '^mux_watch_'),
		case when c.relrowsecurity then format('alter table %s.%s enable row level security;', n.nspname, c.relname) end,
		(select string_agg(format('create policy %I on %s.%s for %s to %s%s%s;', p.policyname, n.nspname, c.relname, lower(p.cmd),
				array_to_string(p.roles, ', '), ' using (' || regexp_replace(p.qual, '\\s+', ' ', 'g') || ')',
				' with check (' || regexp_replace(p.with_check, '\\s+', ' ', 'g') || ')'), E'\\n' order by p.policyname collate "C")
			from pg_policies as p where p.schemaname = n.nspname and p.tablename = c.relname),
		(select string_agg(line, E'\\n' order by line collate "C") from (
			select format('grant %s on %s.%s to %s;', string_agg(lower(acl.privilege_type), ', ' order by acl.privilege_type), n.nspname, c.relname, ${grantee})
			from aclexplode(c.relacl) as acl where acl.grantee <> c.relowner group by acl.grantee
			union all
			select format('grant %s (%s) on %s.%s to %s;', lower(acl.privilege_type), string_agg(a.attname, ', ' order by a.attnum), n.nspname, c.relname, ${grantee})
			from pg_attribute as a cross join lateral aclexplode(a.attacl) as acl where a.attrelid = c.oid group by acl.privilege_type, acl.grantee
		) as grants (line))
	) as text
	from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm') and ${ours}
	order by 1`;

const functionsQuery = `
	select format('function %s.%s', n.nspname, p.proname) as name, rtrim(pg_get_functiondef(p.oid), E'\\n') || ';' || coalesce(E'\\n' || (
		select format('grant execute on function %s.%s to %s;', n.nspname, p.proname, string_agg(${grantee}, ', ' order by ${grantee}))
		from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl where acl.grantee not in (p.proowner, n.nspowner) having count(*) > 0
	), '') as text
	from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
	where n.nspname in ('public', 'agentmux') and pg_get_userbyid(p.proowner) !~ '^agent_'
	order by 1`;

const publicationQuery = `
	select tablename as name, format('alter publication %s add table public.%s;', pubname, tablename) as text
	from pg_publication_tables where schemaname = 'public' order by tablename collate "C"`;

/** The lines in which the schema that was found differs from the one that is written down. */
export function differences(found: string): string[] {
	const written = readFileSync(schemaFile, 'utf8');
	return [
		...without(written, found).map(line => `- ${line}`),
		...without(found, written).map(line => `+ ${line}`),
		...(found === written ? [] : ['The order differs, or a line that is there twice.']).slice(0, 1),
	];
}

function without(text: string, other: string): string[] {
	const lines = new Set(other.split('\n'));
	return text.split('\n').filter(line => !lines.has(line));
}
