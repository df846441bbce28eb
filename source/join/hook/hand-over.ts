import {maxContentBytes} from '../../mailbox/message.ts';
import {mayBeMore} from '../../mailbox/query.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Printable} from '../../printable.ts';
import {flagMail} from './bell.ts';
import {hasWorked, type HookEvent, type HookInput} from './hook-input.ts';
import type {SessionFile} from './hook-session.ts';
import {isWakeText, readMail, takeColumns, type Mail, type MailRow} from './mail.ts';
import type {Call} from './rpc.ts';
import type {Take} from './take.ts';

/** Verifies the signatures of mail before it is handed over. Rejects if that is not possible. */
export type Verify = (mail: readonly MailRow[]) => Promise<Mail[]>;

export interface HookRun {
	readonly event: HookEvent;
	readonly tag: Tag;
	readonly input: HookInput;
	readonly session: SessionFile;
	/** The running client. */
	readonly client: string | null;
	/** Whether PostToolBatch means that all tools of a step have ended, so that a call of the model has read what it had before. */
	readonly endsBatch: boolean;
	/** The file for the client to watch, so that it can be woken; null if it is not interactive. */
	readonly bell: string | null;
	/** The bell beside which it is flagged that mail waits, whoever watches it. */
	readonly flag: string;
	readonly call: Call;
	/** The lease on the mail, until it was handed over. */
	readonly take: Take;
	/** Throws if fewer milliseconds are left. */
	readonly checkTime: (needed: number) => void;
	readonly verify: Verify;
	/** Writes to stdout, and resolves when it was flushed. */
	readonly write: (text: string) => Promise<void>;
	/** Wakes an idle client with a text. */
	readonly wake: (text: Printable) => Promise<void>;
}

/** The maximum number of messages of one hand-over. */
export const batch = 20;
/** The maximum bytes of their contents: two of the largest messages. More would take too long on a busy machine. */
const batchBytes = 2 * maxContentBytes;
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

/** Takes new mail, without messages that this client already has; their missing receipts are sent now. With limit 0, takes none. */
export async function takeMail(work: HookRun, limit = batch): Promise<{mail: Mail[]; more: boolean}> {
	const {call, session, client, take, checkTime, verify, flag} = work;
	const route = routeOf(work);
	checkTime(minTime);
	take.begin();
	const taken = readMail(
		await call(
			'inbox_take',
			{
				p_limit: limit,
				p_bytes: batchBytes,
				p_route: route,
				p_take_id: take.id,
				p_session: client,
				p_ended: endedAt(work),
			},
			takeColumns,
		),
	);
	if (taken.length === 0) take.end();
	const more = mayBeMore(taken, batch, batchBytes);
	if (limit > 0 && !more) flagMail(flag, false);
	const {unconfirmed} = session.read();
	if (unconfirmed.length > 0) {
		await call('receipt_deliver', {p_ids: unconfirmed, p_route: route, p_session: client});
		session.change({unconfirmed: []});
	}
	const fresh = taken.filter(({id}) => !unconfirmed.includes(id));
	return {mail: fresh.length === 0 ? [] : await verify(fresh), more};
}

/** Writes an answer, and then the receipts: mail counts as delivered only when it was flushed. If a receipt fails, the next hook sends it. */
export async function say(work: HookRun, answer: object, mail: readonly Mail[]): Promise<void> {
	const {write, call, session, client, take, tag} = work;
	await write(`${JSON.stringify(answer)}\n`);
	take.end();
	if (mail.length === 0) return;
	const ids = mail.map(({id}) => id);
	const {unconfirmed, asked} = session.read();
	// What Stop itself hands over needs no reminder.
	const questions = work.event === 'Stop' ? [] : mail.filter(each => isQuestion(each, tag)).map(({id}) => id);
	session.change({unconfirmed: [...unconfirmed, ...ids], asked: [...asked, ...questions]});
	await call('receipt_deliver', {p_ids: ids, p_route: routeOf(work), p_session: client});
	session.change({unconfirmed: session.read().unconfirmed.filter(id => !ids.includes(id))});
}

/** Whether a message names the agent and asks it something, which SYSTEM never does: Stop reminds of it, once, if it is left open. */
function isQuestion({mentions, body, author_kind}: Pick<Mail, 'mentions' | 'body' | 'author_kind'>, tag: Tag): boolean {
	return author_kind !== 'system' && body.includes('?') && mentions.some(mention => sameTag(mention, tag));
}
