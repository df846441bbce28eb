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
 * Seconds. By default, clients that use the MCP SDK give up after 60. Claude Code moves a call that takes longer than 120 to the
 * background, and Codex gives up after 120 or 300.
 */
const timeout = {default: 50, max: 110};
/**
 * Milliseconds between two progress notifications, which make some clients wait longer; and between two checks for mail that
 * somebody else took and did not hand over, which no event reports.
 */
const progressEvery = 5000;

export function registerWaitForMessage(server: McpServer, session: Session, taking: Taking): void {
	server.registerTool(
		'wait_for_message',
		{
			title: 'Wait for a message',
			description:
				`Waits for a message for ${session.tag} and returns it like check_messages; returns immediately if there is one already, ` +
				'and without messages when the time is up. Use it when you have nothing else to do until an answer comes; call it ' +
				'again to wait longer.',
			inputSchema: z.strictObject({
				timeout_seconds: z
					.number()
					.min(1)
					.max(timeout.max)
					.default(timeout.default)
					.describe(`How long to wait, at most ${timeout.max}. Many clients cancel a call after 60 seconds.`),
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
					// Failures are ignored: a client that has gone aborts the request anyway.
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
						next: 'Call wait_for_message to wait again; messages that arrive in between are not lost.',
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
	/** Called at the start and every five seconds while there is no message. */
	readonly tell: () => void;
}

/** Takes the messages that are there, or that arrive in time. Empty if the time is up or the request was cancelled. */
async function nextMail(mailbox: Mailbox, reader: Tag, {seconds, take, signal, tell}: Waiting): Promise<Taken> {
	const first = await take();
	if (first.messages.length > 0) return first;
	tell();
	let signalled = Promise.withResolvers<void>();
	let ended = signal.aborted;
	const end = (): void => {
		ended = true;
		signalled.resolve();
	};
	if (ended) end();
	signal.addEventListener('abort', end, {once: true});
	const timer = setTimeout(end, seconds * 1000);
	const ticker = setInterval(() => {
		tell();
		signalled.resolve();
	}, progressEvery);
	const unsubscribe = mailbox.subscribe(event => {
		// Messages committed before the subscription was live are in no event.
		const isLive = event.type === 'connection' && event.connection.phase === 'live';
		const arrives = event.type === 'messages' && event.messages.some(message => addresses(message, reader));
		if (isLive || arrives) signalled.resolve();
	});
	try {
		for (;;) {
			await signalled.promise;
			if (signal.aborted) return first;
			const last = ended;
			signalled = Promise.withResolvers();
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

/** Null if the connection is lost and there is time left: the subscription reports when it is back. */
async function unlessOffline(take: () => Promise<Taken>, last: boolean): Promise<Taken | null> {
	try {
		return await take();
	} catch (error) {
		if (!last && error instanceof MailboxError && error.code === 'offline') return null;
		throw error;
	}
}
