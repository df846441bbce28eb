import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {limitSchema} from '../session/hand-over.ts';
import {quoteAll, quotedBlock, quotedMessage, quoteFrom} from '../answers/quoted.ts';

const idSchema = z.number().int().positive();

export function registerReadThread(server: McpServer, session: Session): void {
	server.registerTool(
		'read_thread',
		{
			title: 'Read a thread',
			description:
				'Shows the conversation that a message belongs to: its first message, then the newest replies, oldest first. Any id in ' +
				'the thread will do. Marks nothing. With text_from it shows only one message, from that position in its text on: for ' +
				'the rest of a text that was cut.',
			inputSchema: z.strictObject({
				id: idSchema.describe('The id of any message in the thread.'),
				limit: limitSchema,
				before: idSchema.optional().describe('Only replies with lower ids, for the previous page.'),
				text_from: z
					.number()
					.int()
					.min(0)
					.optional()
					.describe('The position in the text of message `id` to start from, as given with a cut text.'),
			}),
			outputSchema: {
				notice: z.string(),
				thread_id: z.number().int().describe('The id of the first message in the thread.'),
				messages: z.array(quotedMessage),
				more: z.boolean().describe('Whether there are earlier replies.'),
				hint: z.string(),
			},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		({id, limit, before, text_from}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				const asked = await find(mailbox, id);
				if (asked === null) {
					throw new MailboxError(
						'not_found',
						`There is no message #${id}.`,
						'Use an id from check_messages or search_messages.',
					);
				}
				const {thread_id} = asked;
				if (text_from !== undefined) {
					const length = asked.body.length;
					if (text_from >= length && text_from > 0) {
						throw new MailboxError('invalid', `The text of message #${id} ends at ${length}.`, 'You have all of it.');
					}
					const message = quoteFrom(asked, session.tag, text_from);
					const hint = message.rest ?? 'This is the end of the text.';
					const lines = quotedBlock(`From character ${text_from} of ${length}.`, [message], hint);
					return answer(lines, {notice, thread_id, messages: [message], more: false, hint});
				}
				const root = asked.id === thread_id ? asked : await find(mailbox, thread_id);
				const query = {
					thread: thread_id,
					after: thread_id,
					limit: limit + 1,
					...(before === undefined ? {} : {before}),
				};
				const found = await mailbox.history(query);
				const replies = found.slice(-limit);
				const more = found.length > replies.length;
				const messages = quoteAll(root === null || before !== undefined ? replies : [root, ...replies], session.tag);
				const hint = more
					? `For earlier replies, call read_thread with id ${thread_id} and before ${replies[0]?.id ?? thread_id}.`
					: 'send_message with reply_to adds to the thread.';
				const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} of thread #${thread_id}`;
				return answer(quotedBlock(`${count}.`, messages, hint), {notice, thread_id, messages, more, hint});
			}),
	);
}

async function find(mailbox: Mailbox, id: number): Promise<Message | null> {
	const [message] = await mailbox.history({after: id - 1, before: id + 1, limit: 1});
	return message ?? null;
}
