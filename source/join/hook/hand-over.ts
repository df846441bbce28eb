import {hostname} from 'node:os';
import type {SharedFile} from '../../mailbox/sight/sight.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Printable} from '../../printable.ts';
import {flagMail} from './bell.ts';
import {filesOf} from './edits.ts';
import {hasWorked, type HookEvent, type HookInput} from './hook-input.ts';
import type {SessionFile} from './hook-session.ts';
import {isWakeText, readMail, takeColumns, type HookRoom, type Mail, type MailRow} from './mail.ts';
import type {Deadline} from './deadline.ts';
import {isUnknownFunction, type Call} from './rpc.ts';
import {readFiles, readWish, type Wish} from './stop.ts';
import type {Take} from './take.ts';

/** Verifies the signatures of mail before it is handed over. Rejects if that is not possible. */
export type Verify = (mail: readonly MailRow[]) => Promise<Mail[]>;

/**
 * Asks humans for permission. `unasked`: the client is to ask its user, and nobody else was asked. `over`: somebody else has answered,
 * or nobody.
 */
export interface Approver {
	run(work: HookRun): Promise<'unasked' | 'answered' | 'over'>;
}

export interface HookRun {
	readonly event: HookEvent;
	readonly tag: Tag;
	readonly input: HookInput;
	readonly session: SessionFile;
	/** The running client. */
	readonly client: string | null;
	/** Whether PostToolBatch means that all tools of a step have ended, so that a call of the model has read what it had before. */
	readonly endsBatch: boolean;
	/** Whether the client's turn ends when a hook says so after a tool. Otherwise its model only reads it, and may go on. */
	readonly stops: boolean;
	/** The file for the client to watch, so that it can be woken; null if it is not interactive. */
	readonly bell: string | null;
	/** The bell beside which it is flagged that mail waits, whoever watches it. */
	readonly flag: string;
	readonly call: Call;
	/** The lease on the mail, until it was handed over. */
	readonly take: Take;
	/** What the client shows of a text. */
	readonly room: HookRoom;
	readonly deadline: Deadline;
	readonly verify: Verify;
	/** Writes to stdout, and resolves when it was flushed. */
	readonly write: (text: string) => Promise<void>;
	/** What asks humans for permission; loaded only for that. */
	readonly approve: () => Promise<Approver>;
	/** Wakes an idle client with a text. */
	readonly wake: (text: Printable) => Promise<void>;
}

/** The maximum number of messages of one hand-over. */
export const batch = 20;
/** How many of those that wait besides are read: they are only named. */
const maxRest = 11;
/** Minimum milliseconds for taking and writing mail. If fewer are left, nothing is taken. */
const minTime = 40;

/** Loaded only if there is mail, since most hooks have none. */
export const words = () => import('./mail-text.ts');

/** The `route` of mail that is handed over at an event, as stored in `receipts`. */
function routeOf({event, input}: HookRun): string {
	if (event === 'SessionStart') return 'start';
	if (event === 'Stop') return 'stop';
	if (event !== 'UserPromptSubmit') return 'tools';
	return isWakeText(input.prompt ?? '') ? 'wake' : 'prompt';
}

/** What of the session has ended, so that its model has read what it was given before; null for nothing. */
function endedAt({event, input, endsBatch}: HookRun): 'turn' | 'work' | 'batch' | null {
	if (event === 'Stop') return 'turn';
	if (event !== 'PostToolBatch' || !endsBatch) return null;
	return hasWorked(input.tools) ? 'work' : 'batch';
}

/** Mail that was taken. */
export interface TakenMail {
	readonly mail: readonly Mail[];
	/** The ids of further messages that wait; null if that is not known. */
	readonly rest: readonly number[] | null;
	/** A human's wish that the client stops; then no mail was taken. */
	readonly wish: Wish | null;
	/** Files that others edited near in time, of which the agent was not told yet. */
	readonly files: readonly SharedFile[];
}

/** The rows of the mail, and what else is said in the same answer. */
interface Taking extends Pick<TakenMail, 'wish' | 'files'> {
	readonly rows: readonly MailRow[];
	/** Whether the agent is focused, so that only urgent mail was taken; what else waits is not for now. */
	readonly focused: boolean;
}

/**
 * Takes new mail, as much as the client can show, without messages that it already has; their missing receipts are sent now. With
 * limit 0, takes none.
 */
export async function takeMail(work: HookRun, limit = batch): Promise<TakenMail> {
	const {call, session, client, take, room, deadline, verify, flag} = work;
	const route = routeOf(work);
	deadline.check(minTime);
	take.begin();
	const {
		rows: taken,
		wish,
		files,
		focused,
	} = await takeRows(work, {
		p_limit: limit,
		p_bytes: room.bytes,
		p_route: route,
		p_take_id: take.id,
		p_session: client,
		p_ended: endedAt(work),
	});
	if (taken.length === 0) take.end();
	if (wish !== null) return {mail: [], rest: null, wish, files};
	if (limit > 0 && taken.length === 0 && !focused) flagMail(flag, false);
	const {unconfirmed} = session.read();
	if (unconfirmed.length > 0) {
		await call('receipt_deliver', {p_ids: unconfirmed, p_route: route, p_session: client});
		session.change({unconfirmed: []});
	}
	const fresh = taken.filter(({id}) => !unconfirmed.includes(id));
	if (fresh.length === 0) return {mail: [], rest: null, wish, files};
	const [mail, rest] = await Promise.all([verify(fresh), focused ? [] : waitingIds(work)]);
	if (rest?.length === 0 && !focused) flagMail(flag, false);
	return {mail, rest, wish, files};
}

/** Takes mail, says which files were edited, and hears of stops and of others' edits, all in one request. */
async function takeRows({call, event, input, session}: HookRun, args: object): Promise<Taking> {
	const {edited} = session.read();
	const edits = [...edited, ...filesOf(input.edits, input.cwd)];
	const more = {
		p_stops: event === 'PostToolBatch' || event === 'SubagentStop',
		// Stop could say it only by keeping the agent going.
		p_hears: event !== 'Stop',
		...(edits.length === 0 ? {} : {p_machine: hostname(), p_edits: edits}),
	};
	try {
		const answer = await call('hook_take', {...args, ...more});
		if (edited.length > 0) session.change({edited: []});
		const {messages, stop, edits: theirs, focused} = (answer ?? {}) as {readonly [name: string]: unknown};
		return {rows: readMail(messages), wish: readWish(stop), files: readFiles(theirs), focused: focused === true};
	} catch (error) {
		if (!isUnknownFunction(error)) throw error;
		return {rows: readMail(await call('inbox_take', args, takeColumns)), wish: null, files: [], focused: false};
	}
}

/** Keeps for the next request which files were edited, where this event makes none. */
export function keepEdits({input, session}: Pick<HookRun, 'input' | 'session'>): void {
	if (input.edits.length === 0) return;
	session.change({edited: [...session.read().edited, ...filesOf(input.edits, input.cwd)]});
}

/** The ids of mail that was not taken, oldest first; null if that takes more than half of the time that is left. */
async function waitingIds({call, tag, deadline}: HookRun): Promise<number[] | null> {
	const {promise: late, resolve} = Promise.withResolvers<null>();
	const timer = setTimeout(() => resolve(null), Math.max(0, (deadline.left() - minTime) / 2));
	try {
		const rows = await Promise.race([late, call('inbox', {p_reader: tag, p_limit: maxRest, p_free: true}, ['id'])]);
		if (!Array.isArray(rows)) return null;
		return rows.map(({id}: {readonly id?: unknown}) => Number(id)).filter(id => Number.isSafeInteger(id));
	} catch {
		return null;
	} finally {
		clearTimeout(timer);
	}
}

/** The text of mail that was taken, and those of its messages that the text has. */
export async function textOf(
	{tag, room}: Pick<HookRun, 'tag' | 'room'>,
	{mail, rest}: Pick<TakenMail, 'mail' | 'rest'>,
): Promise<{readonly text: string; readonly shown: readonly Mail[]}> {
	const {text, shown} = (await words()).mailText(tag, mail, {rest, room});
	return {text, shown: mail.slice(0, shown)};
}

/**
 * Writes an answer with mail in it, and then the receipts: mail counts as delivered only when it was flushed. If a receipt fails, the
 * next hook sends it. With `isPart`, there was no room for all that was taken: the others are given back.
 */
export async function say(work: HookRun, answer: object, mail: readonly Mail[], isPart = false): Promise<void> {
	const {write, call, session, client, take, tag, flag} = work;
	await write(`${JSON.stringify(answer)}\n`);
	if (isPart) flagMail(flag, true);
	else take.end();
	if (mail.length === 0) return;
	const ids = mail.map(({id}) => id);
	const {unconfirmed, asked} = session.read();
	// What Stop itself hands over needs no reminder.
	const questions = work.event === 'Stop' ? [] : mail.filter(each => isQuestion(each, tag)).map(({id}) => id);
	session.change({unconfirmed: [...unconfirmed, ...ids], asked: [...asked, ...questions]});
	await call('receipt_deliver', {p_ids: ids, p_route: routeOf(work), p_session: client});
	session.change({unconfirmed: session.read().unconfirmed.filter(id => !ids.includes(id))});
	// What remains was not written.
	await take.giveBack(call, {isUnseen: true});
}

/** One that ends something, unlike that of a URL; also those of Chinese, Japanese and Arabic. */
const questionMark = /[？؟]|\?(?![\w%&=/#-])/;

/** Whether a message names the agent and asks it something, which SYSTEM never does: Stop reminds of it, once, if it is left open. */
function isQuestion({mentions, body, author_kind}: Pick<Mail, 'mentions' | 'body' | 'author_kind'>, tag: Tag): boolean {
	return author_kind !== 'system' && questionMark.test(body) && mentions.some(mention => sameTag(mention, tag));
}
