import type {RunSql} from '../connect/owner.ts';

/** The watched tables, and who gets their changes. Rejects with MailboxError. */
export async function watchedTables(run: RunSql): Promise<{table: string; to: string}[]> {
	const rows = await run('select table_name, to_tag from watched_tables()');
	return rows.map(row => ({table: row['table_name'] as string, to: row['to_tag'] as string}));
}
