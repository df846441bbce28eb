import {MailboxError} from '../../mailbox/error.ts';
import {maxRows, tableName, type TableRow} from '../../mailbox/table.ts';
import type {Requests} from './requests.ts';
import {readTableRow, rows} from './rows.ts';

/** The first rows of a table that is not ours; read as nobody, so that what a view or policy of it does comes to nothing. */
export async function readTable(requests: Requests, text: string): Promise<TableRow[]> {
	const name = tableName(text);
	try {
		return rows(readTableRow, await requests.rpc('result_rows', {p_table: name, p_limit: maxRows}));
	} catch (error) {
		if (!(error instanceof MailboxError)) throw error;
		if (error.code === 'schema' && !error.message.includes('result_rows')) {
			const sentence = `There is no table ${name}, or none that can be reached from here.`;
			throw new MailboxError('not_found', sentence, '', {cause: error});
		}
		// Whoever is revoked is told that instead.
		if (error.code === 'forbidden' && /^permission denied/i.test(error.message)) {
			const remedy = `Whoever made it can allow that: grant select on ${name} to authenticated`;
			throw new MailboxError('forbidden', `The table ${name} may not be read from here.`, remedy, {cause: error});
		}
		throw error;
	}
}
