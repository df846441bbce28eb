import {MailboxError} from '../../mailbox/error.ts';
import type {Message} from '../../mailbox/message.ts';
import type {Receipt} from '../../mailbox/receipt.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readReceipt, readRedactedId} from './rows.ts';

/** What is reported after each join, besides tasks and agents. */
export interface Newest {
	/** The receipts of the newest messages that have any. */
	receipts(limit: number): Promise<Receipt[]>;
	/** The newest messages that were redacted; none if the database is older than redaction. */
	redacted(limit: number): Promise<Message[]>;
}

export function createNewest(requests: Requests, messages: MessageRows): Newest {
	return {
		async receipts(limit: number): Promise<Receipt[]> {
			const data = await requests.request(client =>
				client.from('receipts').select().order('message_id', {ascending: false}).limit(limit),
			);
			return rows(readReceipt, data);
		},

		async redacted(limit: number): Promise<Message[]> {
			try {
				const found = await requests.request(client =>
					client.from('redactions').select('message_id').order('message_id', {ascending: false}).limit(limit),
				);
				const ids = rows(readRedactedId, found);
				if (ids.length === 0) return [];
				const left = await requests.request(client => client.from('messages').select().in('id', ids));
				return await messages.read(left);
			} catch (error) {
				if (error instanceof MailboxError && error.code === 'schema') return [];
				throw error;
			}
		},
	};
}
