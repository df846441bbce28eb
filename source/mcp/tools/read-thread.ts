import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {fitting, quoteAll, quotedBlock, quoteFrom} from '../answers/quoted.ts';
import {idSchema, limitSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function readThread(session: Session): Tool {
	const reader = session.tag;
	return defineTool(
		{
			name: 'read_thread',
			title: 'Read a thread',
			description: 'Shows a message with its thread.',
			input: {
				id: idSchema,
				limit: limitSchema,
				before: idSchema.optional().describe('for older replies'),
				text_from: z.number().int().min(0).optional().describe('its text from here on'),
			},
			readOnly: true,
		},
		async ({id, limit, before, text_from}, {room}) => {
			const mailbox = await session.mailbox();
			const asked = await find(mailbox, id);
			if (asked === null) {
				throw new MailboxError(
					'not_found',
					`There is no message #${id}.`,
					'Use the id of a message that you were shown.',
				);
			}
			if (text_from !== undefined) return piece(asked, text_from, reader, room);
			const {thread_id} = asked;
			const root = before !== undefined ? null : asked.id === thread_id ? asked : await find(mailbox, thread_id);
			const query = {thread: thread_id, after: thread_id, limit: limit + 1, ...(before === undefined ? {} : {before})};
			const found = await mailbox.history(query);
			const page = found.slice(-limit);
			// The root comes first, then as many of the newest as fit.
			const first = root === null ? [] : [root];
			const fit = fitting([...first, ...page.toReversed()], {reader, room}) - first.length;
			const replies = fit <= 0 ? [] : page.slice(-fit);
			const messages = [...first, ...replies];
			const oldest = replies[0]?.id ?? before;
			const more = found.length > replies.length;
			const earlier = `Earlier replies: read_thread with id ${thread_id}${oldest === undefined ? '' : ` and before ${oldest}`}.`;
			const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} of thread #${thread_id}.`;
			return quotedBlock(count, quoteAll(messages, {reader, room}), more ? [earlier] : []);
		},
	);
}

function piece(message: Message, from: number, reader: Session['tag'], room: number): string[] {
	const {id, body} = message;
	if (from >= body.length && from > 0) {
		throw new MailboxError('invalid', `The text of message #${id} ends at ${body.length}.`, 'You have all of it.');
	}
	const {lines, rest} = quoteFrom(message, from, {reader, room});
	return quotedBlock(
		`From character ${from} of ${body.length}.`,
		lines,
		rest === null ? ['This is the end of the text.'] : [],
	);
}

async function find(mailbox: Mailbox, id: number): Promise<Message | null> {
	const [message] = await mailbox.history({after: id - 1, before: id + 1, limit: 1});
	return message ?? null;
}
