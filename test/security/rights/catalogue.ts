import type {Target} from '../target.ts';

/** What a caller could touch, as the database's own catalogue names it. */
export interface Catalogue {
	readonly relations: readonly Relation[];
	readonly routines: readonly Routine[];
	/** What the roles of requests hold a privilege on outside `public`. */
	readonly elsewhere: readonly string[];
}

interface Relation {
	readonly schema: string;
	readonly name: string;
	readonly kind: string;
	readonly columns: readonly string[];
	readonly secured: boolean;
	readonly policies: number;
}

interface Routine {
	readonly schema: string;
	readonly name: string;
	/** `task_cancel(bigint)` */
	readonly signature: string;
	readonly parameters: readonly string[];
	/** A trigger's function, or one of an event trigger, cannot be called. */
	readonly triggers: boolean;
	/** Runs as its owner, with a search path that its caller could set. */
	readonly open: boolean;
}

const schemas = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
const callers = `array['anon', 'authenticated', 'service_role']`;

export async function readCatalogue(target: Target): Promise<Catalogue> {
	const relations = await target.owner<Relation>(`
		select n.nspname as schema, c.relname as name, c.relkind::text as kind, c.relrowsecurity as secured,
			(select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies,
			coalesce((select json_agg(a.attname order by a.attnum) from pg_attribute a
				where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where ${schemas} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') order by 1, 2`);
	const routines = await target.owner<Routine>(`
		select n.nspname as schema, p.proname as name, p.oid::regprocedure::text as signature,
			to_json(coalesce(p.proargnames[1:p.pronargs], '{}')) as parameters,
			p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) as triggers,
			p.prosecdef and not exists (select from unnest(p.proconfig) s where s like 'search\\_path=%') as open
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where ${schemas} and p.prokind <> 'a' order by 1, 3`);
	const held = await target.owner<{name: string}>(`
		select distinct name from (
			select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(${callers}) r
			where ${schemas} and n.nspname <> 'public' and has_schema_privilege(r, n.oid, 'usage') and case c.relkind
				when 'S' then has_sequence_privilege(r, c.oid, 'usage, select, update')
				when 'i' then false when 'c' then false when 't' then false when 'I' then false
				else has_any_column_privilege(r, c.oid, 'select, insert, update, references')
					or has_table_privilege(r, c.oid, 'delete, truncate, trigger') end
			union all
			select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace, unnest(${callers}) r
			where ${schemas} and n.nspname <> 'public' and has_schema_privilege(r, n.oid, 'usage') and has_function_privilege(r, p.oid, 'execute')
			union all
			select 'create in ' || n.nspname from pg_namespace n, unnest(${callers}) r where has_schema_privilege(r, n.oid, 'create')
			union all
			select 'sequence ' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(${callers}) r
			where n.nspname = 'public' and c.relkind = 'S' and has_sequence_privilege(r, c.oid, 'usage, select, update')
		) as h order by 1`);
	return {relations, routines, elsewhere: held.map(({name}) => name)};
}
