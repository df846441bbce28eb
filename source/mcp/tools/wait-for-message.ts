import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {addresses} from '../../mailbox/message.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {handOver, handOverShape, limitSchema} from '../session/hand-over.ts';
import type {Taken, Taking} from '../session/taking.ts';

/**
 * Seconds. Clients on the MCP SDK give up after 60 unless they were told otherwise; Claude Code puts a call that takes longer
 * than 120 into the background, and Codex gives up after 120 or 300.
 */
const timeout = {default: 50, most: 110};
/**
 * Milliseconds between two signs of life, for clients that wait longer as long as there is progress; and between two looks for
 * what somebody else had taken and did not hand over, of which no event tells.
 */
const progressEvery = 5000;

export function registerWaitForMessage(server: McpServer, session: Session, taking: Taking): void {
	server.registerTool(
		'wait_for_message',
		{
			title: 'Wait for a message',
			description:
				`Waits until there is a message for ${session.tag} and hands it over as check_messages does; returns at once when one is ` +
				'there already, and with no messages when the time is up. For when you have nothing else to do until an answer comes; ' +
				'call it again to wait longer.',
			inputSchema: z.strictObject({
				timeout_seconds: z
					.number()
					.min(1)
					.max(timeout.most)
					.default(timeout.default)
					.describe(`How long to wait, at most ${timeout.most}. Many clients end a call after 60 seconds.`),
				limit: limitSchema,
			}),
			outputSchema: {...handOverShape, waited_seconds: z.number()},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({timeout_seconds, limit}, {requestId, signal, sendNotification, _meta}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				const begin = performance.now();
				const waited = (): number => Math.round((performance.now() - begin) / 100) / 10;
				const token = _meta?.progressToken;
				const tell = (): void => {
					if (token === undefined) return;
					const message = `Waiting for a message for ${session.tag}.`;
					const params = {progressToken: token, progress: waited(), total: timeout_seconds, message};
					// Who does not hear it ends the request, and is heard then.
					sendNotification({method: 'notifications/progress', params}).catch(() => undefined);
				};
				const take = (): Promise<Taken> => taking.take(mailbox, limit);
				const taken = await nextMail(mailbox, session.tag, {seconds: timeout_seconds, take, signal, tell});
				return handOver(
					{session, mailbox, taking},
					taken,
					{requestId, signal},
					{
						none: `No message came for ${session.tag} within ${timeout_seconds} seconds.`,
						next: 'wait_for_message waits again; what comes meanwhile is not lost.',
						data: {waited_seconds: waited()},
					},
				);
			}),
	);
}

interface Waiting {
	readonly seconds: number;
	readonly take: () => Promise<Taken>;
	readonly signal: AbortSignal;
	/** Called at once and every five seconds while there is nothing. */
	readonly tell: () => void;
}

/** Takes what is there, or else what comes in time. Empty when the time is up or the request was given up. */
async function nextMail(mailbox: Mailbox, reader: Tag, {seconds, take, signal, tell}: Waiting): Promise<Taken> {
	const first = await take();
	if (first.messages.length > 0) return first;
	tell();
	let ring = Promise.withResolvers<void>();
	let ended = signal.aborted;
	const end = (): void => {
		ended = true;
		ring.resolve();
	};
	if (ended) end();
	signal.addEventListener('abort', end, {once: true});
	const timer = setTimeout(end, seconds * 1000);
	const ticker = setInterval(() => {
		tell();
		ring.resolve();
	}, progressEvery);
	const unsubscribe = mailbox.subscribe(event => {
		// What was committed before the subscription stood is in no event.
		const stands = event.type === 'connection' && event.connection.phase === 'live';
		const comes = event.type === 'messages' && event.messages.some(message => addresses(message, reader));
		if (stands || comes) ring.resolve();
	});
	try {
		for (;;) {
			await ring.promise;
			if (signal.aborted) return first;
			const last = ended;
			ring = Promise.withResolvers();
			const taken = await unlessOffline(take, last);
			if (taken !== null && (taken.messages.length > 0 || last)) return taken;
		}
	} finally {
		clearTimeout(timer);
		clearInterval(ticker);
		signal.removeEventListener('abort', end);
		unsubscribe();
	}
}

/** A connection that is lost while there is time comes back, and the subscription says so. */
async function unlessOffline(take: () => Promise<Taken>, last: boolean): Promise<Taken | null> {
	try {
		return await take();
	} catch (error) {
		if (!last && error instanceof MailboxError && error.code === 'offline') return null;
		throw error;
	}
}
