import {DatabaseError, type Database, type Scope} from '../database/database.ts';
import {readSql} from '../files/read-sql.ts';

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
	/** Its policies as one SQL expression, by the table's oid; absent where they look at the row or at other tables. */
	readonly rules: ReadonlyMap<string, string>;
}

/** The scope of the hub's own queries; UTC, because clients receive the values as they are. */
export const ownScope: Scope = {role: 'postgres', claims: {}, settings: {timezone: 'UTC'}};

const tablesQuery = readSql(new URL('sql/tables.sql', import.meta.url));

const accessQuery = readSql(new URL('sql/reader.sql', import.meta.url));

const privateQuery = readSql(new URL('sql/private.sql', import.meta.url));

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
			rules: new Map(tables.flatMap(({oid, rule}) => (typeof rule === 'string' ? [[String(oid), rule] as const] : []))),
		};
	}
}
