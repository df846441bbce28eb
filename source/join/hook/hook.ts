import {sharedText, type Presence} from '../../mailbox/agent.ts';
import {maxContentBytes} from '../../mailbox/message.ts';
import {mayBeMore} from '../../mailbox/query.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {type Printable} from '../../printable.ts';
import {createBell} from './bell.ts';
import type {HookEvent, HookInput} from './hook-input.ts';
import type {SessionFile} from './hook-session.ts';
import {isWakeText, maxTextLength, mailColumns, readMail, takeColumns, type Mail, type MailRow} from './mail.ts';
import type {Call} from './rpc.ts';
import type {Take} from './take.ts';

/** Verifies the signatures of mail before it is handed over. Rejects if that is not possible. */
export type Verify = (mail: readonly MailRow[]) => Promise<Mail[]>;

interface HookRun {
	readonly event: HookEvent;
	readonly tag: Tag;
	readonly input: HookInput;
	readonly session: SessionFile;
	/** The running client; null if it is not known. */
	readonly client: string | null;
	/** The file for the client to watch, so that it can be woken; null if it is not interactive. */
	readonly bell: string | null;
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
const batch = 20;
/** The maximum bytes of their contents: two of the largest messages. More would take too long on a busy machine. */
const batchBytes = 2 * maxContentBytes;
/** Minimum milliseconds for taking and writing mail. If fewer are left, nothing is taken. */
const minTime = 40;
/** How often Stop keeps the agent going for one prompt; the client itself stops at 8. */
const maxKept = 5;
/** The `route` of mail that is handed over at an event, as stored in `receipts`. */
function routeOf({event, input}: HookRun): string {
	if (event === 'SessionStart') return 'start';
	if (event === 'Stop') return 'stop';
	if (event !== 'UserPromptSubmit') return 'tools';
	return isWakeText(input.prompt ?? '') ? 'wake' : 'prompt';
}

/** Loaded only if there is mail, since most hooks have none. */
const words = () => import('./mail-text.ts');

/** Handles one event. Rejects with any error; output written by then counts. */
export async function runHook(work: HookRun): Promise<void> {
	const {event, input, session, bell} = work;
	// A subagent would take its principal's mail, and that would be lost when it ends.
	if (input.agent_id !== null && event !== 'PermissionRequest') return;
	switch (event) {
		case 'SessionStart': {
			if (bell !== null) createBell(bell);
			await handOver(work, 'idle');
			return;
		}
		case 'UserPromptSubmit': {
			const {kept, blocked, subagents} = session.read();
			if (kept > 0 || blocked || subagents > 0) session.change({kept: 0, blocked: false, subagents: 0});
			await handOver(work, 'working');
			return;
		}
		case 'PostToolBatch': {
			const {blocked, subagents} = session.read();
			if (blocked) session.change({blocked: false});
			if (subagents === 0) await handOver(work, blocked ? 'working' : null);
			return;
		}
		case 'SubagentStart': {
			session.change({subagents: session.read().subagents + 1});
			return;
		}
		case 'SubagentStop': {
			const {subagents} = session.read();
			session.change({subagents: Math.max(0, subagents - 1)});
			if (subagents <= 1) await handOver(work, null);
			return;
		}
		case 'PermissionRequest': {
			session.change({blocked: true});
			await touch(work, 'blocked');
			return;
		}
		case 'Stop': {
			if (!(await keepGoing(work))) await touch(work, 'idle');
			return;
		}
		// The turn ended with an error of the model.
		case 'StopFailure': {
			await touch(work, 'idle');
			return;
		}
		case 'FileChanged': {
			if (bell !== null && input.file_path === bell) await wakeUp(work);
			return;
		}
		case 'SessionEnd': {
			session.remove();
			await touch(work, 'away');
		}
	}
}

/** Records the presence. Resolves with the number of clients that use the tag. */
async function touch({call, client}: HookRun, presence: Presence): Promise<number> {
	const agent = await call('agent_touch', {p_presence: presence, p_session: client});
	const {sessions} = (agent ?? {}) as {readonly sessions?: unknown};
	return typeof sessions === 'number' ? sessions : 0;
}

/** Hands new mail over as context, with a warning if another client shares the inbox. */
async function handOver(work: HookRun, presence: Presence | null): Promise<void> {
	const {event, tag, bell} = work;
	const [{mail, more}, sessions] = await Promise.all([
		takeMail(work),
		presence === null ? null : touch(work, presence),
	]);
	const texts = isNewlyShared(work, sessions) ? [sharedText(tag)] : [];
	if (mail.length > 0)
		texts.push((await words()).mailText(tag, mail, {more, room: maxTextLength - texts.join('\n\n').length - 2}));
	const answer = {
		hookEventName: event,
		...(event === 'SessionStart' && bell !== null ? {watchPaths: [bell]} : {}),
		...(texts.length > 0 ? {additionalContext: texts.join('\n\n')} : {}),
	};
	if (Object.keys(answer).length > 1) await say(work, {hookSpecificOutput: answer}, mail);
}

/** Whether to warn that the inbox is shared: once, until the other client has gone. */
function isNewlyShared({session}: HookRun, sessions: number | null): boolean {
	if (sessions === null) return false;
	const {shared} = session.read();
	if (sessions > 1 === shared) return false;
	session.change({shared: !shared});
	return !shared;
}

/**
 * Keeps the agent going if there is new mail, or, once per message, if it left mail open that names it. Resolves with whether it
 * did. The number of times is limited by our own count, because a turn that began with a wake is marked as kept going by a hook
 * from its start.
 */
async function keepGoing(work: HookRun): Promise<boolean> {
	const {tag, session, call} = work;
	const {kept, reminded} = session.read();
	if (kept >= maxKept) return false;
	// The count is saved before anything is written: if saving fails, nothing is written, so there can be no loop.
	const {mail, more} = await takeMail(work);
	if (mail.length > 0) {
		session.change({kept: kept + 1, reminded: [...reminded, ...mail.map(({id}) => id)]});
		await say(work, {decision: 'block', reason: (await words()).mailText(tag, mail, {more})}, mail);
		return true;
	}
	const inbox = readMail(await call('inbox', {p_reader: tag, p_limit: 100}, mailColumns));
	const open = inbox
		.filter(({id, mentions}) => !reminded.includes(id) && mentions.some(mention => sameTag(mention, tag)))
		.slice(0, batch);
	if (open.length === 0) return false;
	session.change({kept: kept + 1, reminded: [...reminded, ...open.map(({id}) => id)]});
	await say(work, {decision: 'block', reason: (await words()).openText(tag, open)}, []);
	return true;
}

/** Wakes the client with only a notice. The notice becomes a prompt, whose hook takes and hands over the mail. */
async function wakeUp({tag, call, wake}: HookRun): Promise<void> {
	const waiting = readMail(await call('inbox', {p_reader: tag, p_limit: batch, p_free: true}, mailColumns));
	if (waiting.length > 0) await wake((await words()).wakeText(tag, waiting));
}

/** Takes new mail, without messages that this session already has; their missing receipts are sent now. */
async function takeMail(work: HookRun): Promise<{mail: Mail[]; more: boolean}> {
	const {call, session, take, checkTime, verify} = work;
	const route = routeOf(work);
	checkTime(minTime);
	const bounds = {p_limit: batch, p_bytes: batchBytes};
	take.begin();
	const taken = readMail(await call('inbox_take', {...bounds, p_route: route, p_take_id: take.id}, takeColumns));
	if (taken.length === 0) take.end();
	const {unconfirmed} = session.read();
	if (unconfirmed.length > 0) {
		await call('receipt_deliver', {p_ids: unconfirmed, p_route: route});
		session.change({unconfirmed: []});
	}
	const fresh = taken.filter(({id}) => !unconfirmed.includes(id));
	return {mail: fresh.length === 0 ? [] : await verify(fresh), more: mayBeMore(taken, batch, batchBytes)};
}

/** Writes an answer, and then the receipts: mail counts as delivered only when it was flushed. If a receipt fails, the next hook sends it. */
async function say(work: HookRun, answer: object, mail: readonly Mail[]): Promise<void> {
	const {write, call, session, take} = work;
	await write(`${JSON.stringify(answer)}\n`);
	take.end();
	if (mail.length === 0) return;
	const ids = mail.map(({id}) => id);
	session.change({unconfirmed: [...session.read().unconfirmed, ...ids]});
	await call('receipt_deliver', {p_ids: ids, p_route: routeOf(work)});
	const {unconfirmed} = session.read();
	session.change({unconfirmed: unconfirmed.filter(id => !ids.includes(id))});
}
