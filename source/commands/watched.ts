import {runSql, type Management} from '../gateway/management.ts';

/** Which tables tell whom of their changes. Rejects with MailboxError. */
export async function watchedTables(project: Management): Promise<{table: string; to: string}[]> {
	const rows = await runSql(project, 'select table_name, to_tag from watched_tables()');
	return rows.map(row => ({table: row['table_name'] as string, to: row['to_tag'] as string}));
}
