import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {handOver, handOverShape, howToClose, limitSchema} from '../session/hand-over.ts';
import {listed} from '../answers/listed.ts';
import {quoteAll, quotedBlock} from '../answers/quoted.ts';
import type {Taking} from '../session/taking.ts';

/** How many of the oldest open messages are searched for those that were handed over before. */
const depth = {named: 50, shown: 200};

export function registerCheckMessages(server: McpServer, session: Session, taking: Taking): void {
	server.registerTool(
		'check_messages',
		{
			title: 'Check messages',
			description:
				`Returns new messages for ${session.tag}, oldest first, and marks them as delivered. A message stays open until you ` +
				'reply to it (send_message with reply_to) or acknowledge it (ack_message); otherwise it is delivered again after ten ' +
				'minutes, five times in all. Does not wait; use wait_for_message for that. With again: true it returns messages that ' +
				'you already have and that are still open instead, and marks nothing.',
			inputSchema: z.strictObject({
				limit: limitSchema,
				again: z.boolean().default(false).describe('Return open messages that you already have, and mark nothing.'),
				after: z
					.number()
					.int()
					.positive()
					.optional()
					.describe('With again: only ids above this one, for the next page.'),
			}),
			outputSchema: {
				...handOverShape,
				open: z
					.array(z.number().int())
					.describe('The oldest ids that you already have and have neither acknowledged nor replied to.'),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({limit, again, after = 0}, {requestId, signal}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				if (again) return answerOpen(await openMail(mailbox, session.tag, depth.shown), session.tag, limit, after);
				const taken = await taking.take(mailbox, limit);
				const ids = new Set(taken.messages.map(({id}) => id));
				// Taken messages are handed over even if this fails.
				const before = await openMail(mailbox, session.tag, depth.named).catch(() => []);
				const open = before.map(({id}) => id).filter(id => !ids.has(id));
				const given = `You already have these, and they are still open: ${listed(open)} (again: true shows them, ack_message closes them).`;
				return handOver(
					{session, mailbox, taking},
					taken,
					{requestId, signal},
					{
						none: `No new messages for ${session.tag}.`,
						next: 'wait_for_message waits for the next one.',
						remarks: open.length === 0 ? [] : [given],
						data: {open},
					},
				);
			}),
	);
}

/** Open messages that the reader already has, oldest first. Marks nothing. */
async function openMail(mailbox: Mailbox, reader: Tag, limit: number): Promise<Message[]> {
	const messages = await mailbox.inbox(reader, {limit});
	const receipts = messages.length === 0 ? [] : await mailbox.receipts(messages.map(({id}) => id));
	const given = new Set(receipts.filter(receipt => sameTag(receipt.reader, reader)).map(({message_id}) => message_id));
	return messages.filter(({id}) => given.has(id));
}

function answerOpen(open: readonly Message[], reader: Tag, limit: number, after: number): CallToolResult {
	const left = open.filter(({id}) => id > after);
	const shown = left.slice(0, limit);
	const last = shown.at(-1)?.id ?? after;
	const more = left.length > shown.length;
	const messages = quoteAll(shown, reader);
	const count = `${left.length} ${left.length === 1 ? 'message' : 'messages'}`;
	const head = `${count} that ${reader} already has ${left.length === 1 ? 'is' : 'are'} open.`;
	const rest = more ? [`More are open; call check_messages with again: true and after: ${last}.`] : [];
	const hint = [howToClose, ...rest].join(' ');
	const data = {notice, messages, more, hint, open: open.map(({id}) => id)};
	return answer(shown.length === 0 ? [head] : quotedBlock(head, messages, hint), data);
}
