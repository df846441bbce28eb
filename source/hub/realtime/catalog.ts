import {DatabaseError, type Database, type Scope} from '../database/database.ts';

export interface Column {
	readonly name: string;
	/** The type as clients see it: `int8`, `_text`. */
	readonly udt: string;
	/** The type in SQL: `bigint`, `text[]`. */
	readonly type: string;
	/** Part of the primary key. */
	readonly key: boolean;
}

/** A table in the publication. */
export interface Table {
	readonly oid: string;
	readonly schema: string;
	readonly name: string;
	/** Whether row level security is enabled. */
	readonly secured: boolean;
	readonly columns: readonly Column[];
	/** Whether the publication includes only some of its columns. */
	readonly partial: boolean;
}

/** What a role may read. */
export interface RoleAccess {
	/** The oids of the tables whose rows it may all read: no row level security, BYPASSRLS, or a policy that is simply `true`. */
	readonly sees: ReadonlySet<string>;
	/** The columns that it may select, by the table's oid. */
	readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The scope of the hub's own queries; UTC, because clients receive the values as they are. */
export const ownScope: Scope = {role: 'postgres', claims: {}, settings: {timezone: 'UTC'}};

const tablesQuery = `
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
where p.pubname = 'supabase_realtime'`;

const accessQuery = `
select c.oid::text as oid, (
	select coalesce(json_agg(a.attname), '[]')::text from pg_attribute a
	where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and has_column_privilege(r.oid, c.oid, a.attnum, 'select')
) as columns, (
	not c.relrowsecurity or r.rolsuper or r.rolbypassrls or (
		select bool_or(p.polpermissive and pg_get_expr(p.polqual, c.oid) = 'true') and bool_and(p.polpermissive)
		from pg_policy p
		where p.polrelid = c.oid and p.polcmd in ('r', '*')
			and exists (select from unnest(p.polroles) member where member = 0 or pg_has_role(r.oid, member, 'usage'))
	)
) is true as sees
from pg_roles r
left join pg_publication_tables pt on pt.pubname = 'supabase_realtime'
left join pg_namespace n on n.nspname = pt.schemaname
left join pg_class c on c.relnamespace = n.oid and c.relname = pt.tablename
where r.rolname = $1::text`;

const privateQuery = `
select (r.rolsuper or r.rolbypassrls or not c.relrowsecurity or exists (
	select from pg_policy p, unnest(p.polroles) member
	where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('r', '*') and (member = 0 or pg_has_role(r.oid, member, 'usage'))
)) as may
from pg_roles r, pg_class c where r.rolname = $1::text and c.oid = 'realtime.messages'::regclass`;

/** Milliseconds after which rights are read again: event triggers do not report memberships and BYPASSRLS. */
const accessAge = 10_000;

/** The tables of the publication and who may read them, cached until the schema changes. */
export class Catalog {
	readonly #database: Database;
	#tables: Promise<ReadonlyMap<string, Table>> | null = null;
	#private = new Map<string, {readonly may: Promise<boolean>; readonly since: number}>();
	#accesses = new Map<string, {readonly access: Promise<RoleAccess>; readonly since: number}>();

	constructor(database: Database) {
		this.#database = database;
	}

	forget(): void {
		this.#tables = null;
		this.#accesses.clear();
		this.#private.clear();
	}

	/** The published tables, by oid. */
	tables(): Promise<ReadonlyMap<string, Table>> {
		const tables = (this.#tables ??= this.#readTables());
		// A failed read is not cached.
		tables.catch(() => {
			if (this.#tables === tables) this.#tables = null;
		});
		return tables;
	}

	/** What a role may read. Rejects with DatabaseError 42704 if it does not exist. */
	access(role: string): Promise<RoleAccess> {
		const known = this.#accesses.get(role);
		if (known !== undefined && performance.now() - known.since < accessAge) return known.access;
		const access = this.#readAccess(role);
		this.#accesses.set(role, {access, since: performance.now()});
		access.catch(() => {
			if (this.#accesses.get(role)?.access === access) this.#accesses.delete(role);
		});
		return access;
	}

	/** Whether any policy lets the role read any private channels at all. */
	mayReadPrivate(role: string): Promise<boolean> {
		const known = this.#private.get(role);
		if (known !== undefined && performance.now() - known.since < accessAge) return known.may;
		const may = this.#database
			.run(ownScope, [{text: privateQuery, values: [role]}])
			.then(([result]) => result?.rows[0]?.['may'] === true);
		this.#private.set(role, {may, since: performance.now()});
		may.catch(() => {
			if (this.#private.get(role)?.may === may) this.#private.delete(role);
		});
		return may;
	}

	async #readTables(): Promise<ReadonlyMap<string, Table>> {
		const [result] = await this.#database.run(ownScope, [{text: tablesQuery}]);
		const tables = (result?.rows ?? []).map(({table}) => JSON.parse(String(table)) as Table);
		return new Map(tables.map(table => [table.oid, table]));
	}

	async #readAccess(role: string): Promise<RoleAccess> {
		const [result] = await this.#database.run(ownScope, [{text: accessQuery, values: [role]}]);
		const rows = result?.rows ?? [];
		if (rows.length === 0) throw new DatabaseError(`role "${role}" does not exist`, '42704');
		// For a publication without tables, the query returns one row whose oid is null.
		const tables = rows.filter(({oid}) => oid !== null);
		return {
			sees: new Set(tables.filter(({sees}) => sees === true).map(({oid}) => String(oid))),
			columns: new Map(tables.map(({oid, columns}) => [String(oid), new Set(JSON.parse(String(columns)) as string[])])),
		};
	}
}
