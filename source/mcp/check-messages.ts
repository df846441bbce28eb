import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {addresses, type Message} from '../mailbox/message.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {answer, answering} from './answer.ts';
import type {Desk} from './desk.ts';
import {notice, quote, quotedLines, quotedMessage} from './quoted.ts';

/** How far an inbox is looked through for what is new. */
const depth = 500;
/** Characters of one text; the rest can be fetched by SQL. */
const longest = 50_000;

export function registerCheckMessages(server: McpServer, desk: Desk): void {
	server.registerTool(
		'check_messages',
		{
			title: 'Check messages',
			description:
				`Hand over the messages for ${desk.tag} that it has not seen yet, oldest first. A message stays open until you ` +
				'reply to it (send_message with reply_to) or acknowledge it, so that the others can see what was read and what was ' +
				'dealt with. Use wait_seconds instead of calling again and again.',
			inputSchema: {
				limit: z.number().int().min(1).max(100).default(20).describe('At most this many messages.'),
				ack: z.boolean().default(false).describe('Also acknowledge the messages handed over by this call.'),
				ack_ids: z
					.array(z.number().int().positive())
					.max(depth)
					.default([])
					.describe('Ids of earlier messages that you have dealt with: acknowledges them.'),
				again: z.boolean().default(false).describe('Also hand over open messages that you were given before.'),
				wait_seconds: z.number().min(0).max(50).default(0).describe('When there is nothing new, wait so long for it.'),
			},
			outputSchema: {
				notice: z.string(),
				messages: z.array(quotedMessage),
				more: z.boolean().describe('There are further ones: call again.'),
				open: z.array(z.number().int()).describe('Ids given to you before and neither acknowledged nor replied to.'),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({limit, ack, ack_ids, again, wait_seconds}, {requestId, signal}) =>
			answering(async () => {
				const mailbox = await desk.mailbox();
				if (ack_ids.length > 0) await mailbox.ack(ack_ids, 'mcp');
				let inbox = await readInbox(mailbox, desk.tag, again);
				if (inbox.fresh.length === 0 && wait_seconds > 0) {
					await nextFor(mailbox, desk.tag, wait_seconds, signal);
					inbox = await readInbox(mailbox, desk.tag, again);
				}
				const messages = inbox.fresh.slice(0, limit);
				const ids = messages.map(({id}) => id);
				if (ids.length > 0) {
					desk.afterAnswer(requestId, () => (ack ? mailbox.ack(ids, 'mcp') : mailbox.deliver(ids, 'mcp')));
				}
				const more = inbox.fresh.length > messages.length;
				const data = {notice, messages: messages.map(message => quote(message, longest)), more, open: inbox.open};
				return answer(linesOf(desk.tag, messages, more, inbox.open), data);
			}),
	);
}

interface Inbox {
	/** To be handed over. */
	readonly fresh: Message[];
	/** Handed over before, and open. */
	readonly open: number[];
}

async function readInbox(mailbox: Mailbox, reader: Tag, again: boolean): Promise<Inbox> {
	const messages = await mailbox.inbox(reader, {limit: depth});
	const receipts = messages.length === 0 ? [] : await mailbox.receipts(messages.map(({id}) => id));
	const seen = new Set(receipts.filter(receipt => sameTag(receipt.reader, reader)).map(({message_id}) => message_id));
	return {
		fresh: messages.filter(({id}) => again || !seen.has(id)),
		open: again ? [] : messages.map(({id}) => id).filter(id => seen.has(id)),
	};
}

/** Resolves when a message for the reader was committed, after `seconds`, or when the request is given up. */
async function nextFor(mailbox: Mailbox, reader: Tag, seconds: number, signal: AbortSignal): Promise<void> {
	const {promise, resolve} = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, seconds * 1000);
	signal.addEventListener('abort', () => resolve(), {once: true});
	let looked = false;
	const unsubscribe = mailbox.subscribe(event => {
		if (event.type === 'messages' && event.messages.some(message => addresses(message, reader))) resolve();
		// What was committed between the first look and this subscription is in the inbox, and in no event.
		if (event.type === 'connection' && event.connection.phase === 'live' && !looked) {
			looked = true;
			readInbox(mailbox, reader, false).then(({fresh}) => fresh.length > 0 && resolve(), resolve);
		}
	});
	try {
		await promise;
	} finally {
		clearTimeout(timer);
		unsubscribe();
	}
}

function linesOf(reader: Tag, messages: readonly Message[], more: boolean, open: readonly number[]): string[] {
	const lines =
		messages.length === 0
			? [`No new messages for ${reader}.`]
			: [`${messages.length} new ${messages.length === 1 ? 'message' : 'messages'} for ${reader}. ${notice}`];
	for (const message of messages) lines.push('', ...quotedLines(message, longest));
	if (messages.length > 0) lines.push('');
	if (more) lines.push('There are more: call check_messages again.');
	if (open.length > 0) {
		lines.push(
			`Given to you before and still open: ${open.map(id => `#${id}`).join(', ')} (again: true shows them, ack_ids closes them).`,
		);
	}
	return lines;
}
