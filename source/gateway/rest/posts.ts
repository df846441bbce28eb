import {randomUUID} from 'node:crypto';
import {checkContent} from '../../mailbox/content.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Draft, Message} from '../../mailbox/message.ts';
import {postPauses, type MessageRows} from './message-rows.ts';
import type {Request, Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readMessage} from './rows.ts';

/** Posts and redacts messages. */
export function createPosts(requests: Requests, messages: MessageRows): Pick<Mailbox, 'post' | 'redact'> {
	return {
		async post({content, client_id = randomUUID(), reply_to, meta}: Draft): Promise<Message> {
			checkContent(content);
			const signature = await messages.sign({kind: 'message', subject: client_id, content, reply_to: reply_to ?? null});
			const row = {content, client_id, reply_to: reply_to ?? null, meta: {...meta, ...signature}};
			const inserted = await requests.request(
				client => client.from('messages').upsert(row, {onConflict: 'client_id', ignoreDuplicates: true}).select(),
				{pauses: postPauses},
			);
			// Without a row, an earlier attempt was received, and only its response was lost.
			const data = rows(readMessage, inserted);
			const known = data.length > 0 ? data : rows(readMessage, await requests.request(byClientId(client_id)));
			const [message] = await messages.of(known);
			if (message === undefined)
				throw new MailboxError('internal', 'The server accepted the message but returned no row.');
			return message;
		},

		async redact(id: number, reason?: string): Promise<Message> {
			const {signature} = await messages.sign({
				kind: 'redaction',
				subject: String(id),
				content: reason ?? '',
				reply_to: null,
			});
			const args = {p_id: id, p_reason: reason ?? null, p_signature: signature ?? null};
			const [message] = await messages.read(await requests.rpc('redact_message', args));
			if (message === undefined) throw new MailboxError('internal', 'redact_message answered without a row.');
			return message;
		},
	};
}

function byClientId(client_id: string): Request {
	return client => client.from('messages').select().eq('client_id', client_id);
}
