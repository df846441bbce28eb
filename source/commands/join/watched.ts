import type {RunSql} from '../connect/owner.ts';

export interface Watched {
	readonly table: string;
	readonly to: string;
	/** Some of insert, update, delete and truncate. */
	readonly on: readonly string[];
	readonly where: string | null;
	/** null: those that agents may read. */
	readonly columns: readonly string[] | null;
	/** Seconds between two messages, at least. */
	readonly window: number;
}

/** The watched tables, and who gets which changes. Rejects with MailboxError. */
export async function watchedTables(run: RunSql): Promise<Watched[]> {
	const rows = await run(`select table_name, to_tag, to_json(kinds) as kinds, condition, to_json(columns) as columns,
		extract(epoch from quiet)::float8 as quiet from watched_tables()`);
	return rows.map(row => ({
		table: row['table_name'] as string,
		to: row['to_tag'] as string,
		on: row['kinds'] as string[],
		where: row['condition'] as string | null,
		columns: row['columns'] as string[] | null,
		window: Number(row['quiet']),
	}));
}
