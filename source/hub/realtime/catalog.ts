import {DatabaseError, type Database, type Scope} from '../database/database.ts';
import {readSql} from '../files/read-sql.ts';

export interface Column {
	readonly name: string;
	/** As the client sees it: `int8`, `_text`. */
	readonly udt: string;
	/** As SQL writes it: `bigint`, `text[]`. */
	readonly type: string;
	/** Part of the primary key. */
	readonly key: boolean;
}

/** A table of the publication. */
export interface Table {
	readonly oid: string;
	readonly schema: string;
	readonly name: string;
	/** Row level security is on. */
	readonly secured: boolean;
	readonly columns: readonly Column[];
	/** The publication names some columns only. */
	readonly partial: boolean;
}

/** What a role may read. */
export interface Reader {
	/** The tables, by oid, whose every row it sees: without row level security, above it, or by a policy that is just true. */
	readonly sees: ReadonlySet<string>;
	/** The columns that it may select, by table oid. */
	readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
}

/** As whom the hub itself reads: values as the client shall see them. */
export const ownScope: Scope = {role: 'postgres', claims: {}, settings: {timezone: 'UTC'}};

const tablesQuery = readSql(new URL('sql/tables.sql', import.meta.url));

const readerQuery = readSql(new URL('sql/reader.sql', import.meta.url));

const privateQuery = readSql(new URL('sql/private.sql', import.meta.url));

/** Rights that no event trigger announces (memberships, BYPASSRLS) are read again after so many milliseconds. */
const readerAge = 10_000;

/** What the publication holds and who may read it; read once, until a notice of DDL. */
export class Catalog {
	readonly #database: Database;
	#tables: Promise<ReadonlyMap<string, Table>> | null = null;
	#private = new Map<string, {readonly may: Promise<boolean>; readonly since: number}>();
	#readers = new Map<string, {readonly reader: Promise<Reader>; readonly since: number}>();

	constructor(database: Database) {
		this.#database = database;
	}

	forget(): void {
		this.#tables = null;
		this.#readers.clear();
		this.#private.clear();
	}

	/** The published tables, by oid. */
	tables(): Promise<ReadonlyMap<string, Table>> {
		const tables = (this.#tables ??= this.#readTables());
		// A failed reading is not kept.
		tables.catch(() => {
			if (this.#tables === tables) this.#tables = null;
		});
		return tables;
	}

	/** Rejects (DatabaseError 42704) when there is no such role. */
	reader(role: string): Promise<Reader> {
		const known = this.#readers.get(role);
		if (known !== undefined && performance.now() - known.since < readerAge) return known.reader;
		const reader = this.#readReader(role);
		this.#readers.set(role, {reader, since: performance.now()});
		reader.catch(() => {
			if (this.#readers.get(role)?.reader === reader) this.#readers.delete(role);
		});
		return reader;
	}

	/** Whether some policy lets a role read private channels, whatever their names. */
	mayReadPrivate(role: string): Promise<boolean> {
		const known = this.#private.get(role);
		if (known !== undefined && performance.now() - known.since < readerAge) return known.may;
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

	async #readReader(role: string): Promise<Reader> {
		const [result] = await this.#database.run(ownScope, [{text: readerQuery, values: [role]}]);
		const rows = result?.rows ?? [];
		if (rows.length === 0) throw new DatabaseError(`role "${role}" does not exist`, '42704');
		// A publication without tables gives one row, without a table.
		const tables = rows.filter(({oid}) => oid !== null);
		return {
			sees: new Set(tables.filter(({sees}) => sees === true).map(({oid}) => String(oid))),
			columns: new Map(tables.map(({oid, columns}) => [String(oid), new Set(JSON.parse(String(columns)) as string[])])),
		};
	}
}
