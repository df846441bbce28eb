import {MailboxError} from '../../mailbox/error.ts';
import {maxRows, tableName, type TableRow} from '../../mailbox/table.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readTableRow} from './rows.ts';

/** The first rows of a table that is not ours. They are read without any identity, so that its views and policies can do no harm. */
export async function readTable(requests: Requests, text: string): Promise<TableRow[]> {
	const name = tableName(text);
	try {
		return rows(readTableRow, await requests.rpc('result_rows', {p_table: name, p_limit: maxRows}));
	} catch (error) {
		if (!(error instanceof MailboxError)) throw error;
		if (error.code === 'schema' && !error.message.includes('result_rows')) {
			const sentence = `There is no table ${name}, or it is not accessible from here.`;
			throw new MailboxError('not_found', sentence, '', {cause: error});
		}
		// Other errors with this code, such as that the agent was revoked, stay as they are.
		if (error.code === 'forbidden' && /^permission denied/i.test(error.message)) {
			const remedy = `Its owner can allow that: grant select on ${name} to authenticated`;
			throw new MailboxError('forbidden', `The table ${name} cannot be read from here.`, remedy, {cause: error});
		}
		throw error;
	}
}
