import {randomUUID} from 'node:crypto';
import {checkContent} from '../../mailbox/content.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {rows} from './columns.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {readScheduled} from './rows.ts';

/** `scheduled` of the Mailbox. */
export function createScheduled(requests: Requests, messages: MessageRows): Mailbox['scheduled'] {
	return {
		async post({content, client_id = randomUUID(), reply_to, meta}, due) {
			checkContent(content);
			const signature = await messages.sign({kind: 'message', subject: client_id, content, reply_to: reply_to ?? null});
			const args = {
				p_content: content,
				p_due: due,
				p_client_id: client_id,
				p_reply_to: reply_to ?? null,
				p_meta: {...meta, ...signature},
			};
			return one('message_schedule', await requests.rpc('message_schedule', args));
		},

		list: () => requests.table(readScheduled, client => client.from('mux_scheduled').select().order('due_at')),

		// Made twice, the second would find nothing.
		cancel: async id => one('scheduled_cancel', await requests.rpc('scheduled_cancel', {p_id: id}, {twice: false})),
	};
}

function one(name: string, data: unknown): ReturnType<typeof readScheduled> {
	const [row] = rows(readScheduled, data);
	if (row === undefined) throw new MailboxError('internal', `${name} answered without a row.`);
	return row;
}
