import {sharedText, type Presence} from '../../mailbox/agent.ts';
import {maxContentBytes} from '../../mailbox/message.ts';
import {mayBeMore} from '../../mailbox/query.ts';
import {isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {type Printable} from '../../printable.ts';
import {hangBell} from './bell.ts';
import type {HookEvent, HookInput} from './hook-input.ts';
import type {SessionFile} from './hook-session.ts';
import {isWakeText, maxTextLength, mailColumns, readMail, takeColumns, type Mail, type MailRow} from './mail.ts';
import type {Call} from './rpc.ts';
import type {Take} from './take.ts';

/** Looks at the signatures of what is to be handed over; rejects when that cannot be done. */
export type Verify = (mail: readonly MailRow[]) => Promise<Mail[]>;

interface Work {
	readonly event: HookEvent;
	readonly tag: Tag;
	readonly input: HookInput;
	readonly session: SessionFile;
	/** Which running client this is; null where it cannot be told. */
	readonly client: string | null;
	/** The file that it is to watch, so that it can be woken; null for one that nobody sits before. */
	readonly bell: string | null;
	readonly call: Call;
	/** What is taken, until it was handed over. */
	readonly take: Take;
	/** Throws where fewer milliseconds are left until it gives up. */
	readonly checkTime: (needed: number) => void;
	readonly verify: Verify;
	/** Writes to stdout and resolves when the client can have it. */
	readonly write: (text: string) => Promise<void>;
	/** Wakes an idle client with a text. */
	readonly wake: (text: Printable) => Promise<void>;
}

/** Messages of one hand-over. */
const batch = 20;
/** Bytes of their contents: two of the largest. More takes too long to carry on a busy machine, and is not handed over at all. */
const batchBytes = 2 * maxContentBytes;
/** Milliseconds that taking and writing need at least: on a machine so busy that fewer are left, nothing is taken. */
const minTime = 40;
/** How often Stop keeps the agent going for one prompt; the client itself ends it at 8. */
const maxKept = 5;
/** What `receipts` calls the way that mail came at an event. */
function routeOf({event, input}: Work): string {
	if (event === 'SessionStart') return 'start';
	if (event === 'Stop') return 'stop';
	if (event !== 'UserPromptSubmit') return 'tools';
	return isWakeText(input.prompt ?? '') ? 'wake' : 'prompt';
}

/** A hook without mail, which most are, does not load how mail is written. */
const words = () => import('./mail-text.ts');

/** What happens at one event. Rejects with whatever went wrong; what was written by then stands. */
export async function runHook(work: Work): Promise<void> {
	const {event, input, session, bell} = work;
	// A subagent would take mail that is its principal's, and end with it.
	if (input.agent_id !== null && event !== 'PermissionRequest') return;
	switch (event) {
		case 'SessionStart': {
			if (bell !== null) hangBell(bell);
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
		// A turn that an error of the model ended.
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

/** Resolves with how many clients live under the tag. */
async function touch({call, client}: Work, presence: Presence): Promise<number> {
	const agent = await call('agent_touch', {p_presence: presence, p_session: client});
	const {sessions} = (agent ?? {}) as {readonly sessions?: unknown};
	return typeof sessions === 'number' ? sessions : 0;
}

/** New mail, and whether another client shares the inbox, as context. */
async function handOver(work: Work, presence: Presence | null): Promise<void> {
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

/** It is said once, until the other one has gone. */
function isNewlyShared({session}: Work, sessions: number | null): boolean {
	if (sessions === null) return false;
	const {shared} = session.read();
	if (sessions > 1 === shared) return false;
	session.change({shared: !shared});
	return !shared;
}

/**
 * Whether it did. New mail keeps the agent going, and once per message what it was given before and left open. Our own count
 * bounds it: a turn that began with a wake says from its beginning that a hook has kept it going.
 */
async function keepGoing(work: Work): Promise<boolean> {
	const {tag, session, call} = work;
	const {kept, reminded} = session.read();
	if (kept >= maxKept) return false;
	// The count comes first: where it cannot be kept, nothing is, and there is no loop.
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

/** Only the news that there is mail: the prompt that it becomes takes and hands over the mail itself. */
async function wakeUp({tag, call, wake}: Work): Promise<void> {
	const waiting = readMail(await call('inbox', {p_reader: tag, p_limit: batch, p_free: true}, mailColumns));
	if (waiting.length > 0) await wake((await words()).wakeText(tag, waiting));
}

/** What is new; without what this session has been told already and only the receipt is missing for, which is sent now. */
async function takeMail(work: Work): Promise<{mail: Mail[]; more: boolean}> {
	const {call, session, take, checkTime, verify} = work;
	const route = routeOf(work);
	checkTime(minTime);
	const bounds = {p_limit: batch, p_bytes: batchBytes};
	take.begin();
	const taken = readMail(await call('inbox_take', {...bounds, p_route: route, p_take_id: take.id}, takeColumns));
	if (taken.length === 0) take.end();
	const {unsaid} = session.read();
	if (unsaid.length > 0) {
		await call('receipt_deliver', {p_ids: unsaid, p_route: route});
		session.change({unsaid: []});
	}
	const fresh = taken.filter(({id}) => !unsaid.includes(id));
	return {mail: fresh.length === 0 ? [] : await verify(fresh), more: mayBeMore(taken, batch, batchBytes)};
}

/** Only what was flushed counts as delivered; where the receipt does not get through, the next hook sends it. */
async function say(work: Work, answer: object, mail: readonly Mail[]): Promise<void> {
	const {write, call, session, take} = work;
	await write(`${JSON.stringify(answer)}\n`);
	take.end();
	if (mail.length === 0) return;
	const ids = mail.map(({id}) => id);
	session.change({unsaid: [...session.read().unsaid, ...ids]});
	await call('receipt_deliver', {p_ids: ids, p_route: routeOf(work)});
	const {unsaid} = session.read();
	session.change({unsaid: unsaid.filter(id => !ids.includes(id))});
}

/** The tag of `--as TAG` (or AGENTMUX_TAG). Throws when there is none. */
export function tagIn(words: readonly string[], env: NodeJS.ProcessEnv): Tag {
	const tag = words[words.indexOf('--as') + 1 || words.length] ?? env['AGENTMUX_TAG'] ?? '';
	if (!isTag(tag)) throw new Error(`\`${tag}\` is not a tag: --as TAG says who the agent is`);
	return tag;
}
