import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {addresses} from '../../mailbox/message.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {limitSchema} from '../arguments/common.ts';
import {handOver} from '../session/hand-over.ts';
import type {Session} from '../session/session.ts';
import type {Taken, Taking} from '../session/taking.ts';
import {defineTool, type Tool} from '../session/tool.ts';

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

export function waitForMessage(session: Session, taking: Taking): Tool {
	const {tag} = session;
	return defineTool(
		{
			name: 'wait_for_message',
			title: 'Wait for a message',
			description: 'Waits for new messages.',
			input: {
				timeout_seconds: z
					.number()
					.min(1)
					.max(timeout.max)
					.default(timeout.default)
					.describe(`${timeout.default}, at most ${timeout.max}`),
				limit: limitSchema,
			},
		},
		async ({timeout_seconds, limit}, call) => {
			const {signal, room, progressToken, notify} = call;
			const mailbox = await session.mailbox();
			const begin = performance.now();
			const tell = (): void => {
				if (progressToken === undefined) return;
				const progress = Math.round((performance.now() - begin) / 100) / 10;
				const params = {progressToken, progress, total: timeout_seconds, message: `Waiting for a message for ${tag}.`};
				// Failures are ignored: a client that has gone aborts the request anyway.
				notify({method: 'notifications/progress', params}).catch(() => undefined);
			};
			const take = (): Promise<Taken> => taking.take(mailbox, {limit, room});
			const taken = await nextMail(mailbox, tag, {seconds: timeout_seconds, take, signal, tell});
			const none = `No message came for ${tag} within ${timeout_seconds} seconds. None that comes later is lost.`;
			return handOver({session, mailbox, taking, taken, none}, call);
		},
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
	if (first.messages.length > 0 || first.paused !== null) return first;
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
	const unsubscribe = mailbox.subscribe(
		event => {
			// Messages committed before the subscription was live are in no event.
			const isLive = event.type === 'connection' && event.connection.phase === 'live';
			const arrives = event.type === 'messages' && event.messages.some(message => addresses(message, reader));
			if (isLive || arrives) signalled.resolve();
		},
		null,
		'messages',
	);
	try {
		for (;;) {
			await signalled.promise;
			if (signal.aborted) return first;
			const last = ended;
			signalled = Promise.withResolvers();
			const taken = await unlessOffline(take, last);
			if (taken !== null && (taken.messages.length > 0 || taken.paused !== null || last)) return taken;
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
