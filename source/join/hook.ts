import type {Presence} from '../mailbox/agent.ts';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {mailColumns, mailText, openText, readMail, type Mail} from './mail.ts';
import type {Call} from './rpc.ts';
import type {SessionFile} from './hook-session.ts';

export const hookEvents = [
	'SessionStart',
	'UserPromptSubmit',
	'PostToolBatch',
	'Stop',
	'Notification',
	'SessionEnd',
] as const;
/** Those of Claude Code, and what only other clients tell. */
export type HookEvent = (typeof hookEvents)[number] | 'Interrupt';

/** What the client says on stdin; what is not there, or of another kind, is null. */
export interface HookInput {
	readonly session_id: string;
	/** A subagent runs it. */
	readonly agent_id: string | null;
	/** Stop has kept the agent going already. */
	readonly stop_hook_active: boolean;
	readonly notification_type: string | null;
	readonly message: string | null;
	readonly prompt: string | null;
}

/** Throws for what is no JSON object with a session. */
export function readInput(text: string): HookInput {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new Error('stdin holds no JSON; a client like Claude Code writes it');
	}
	const input = typeof value === 'object' && value !== null ? (value as {readonly [name: string]: unknown}) : {};
	const word = (name: string): string | null => (typeof input[name] === 'string' ? input[name] : null);
	const session = word('session_id');
	if (session === null) throw new Error('stdin names no session_id');
	return {
		session_id: session,
		agent_id: word('agent_id'),
		stop_hook_active: input['stop_hook_active'] === true,
		notification_type: word('notification_type'),
		message: word('message'),
		prompt: word('prompt'),
	};
}

interface Work {
	readonly event: HookEvent;
	readonly tag: Tag;
	readonly input: HookInput;
	readonly session: SessionFile;
	readonly call: Call;
	/** Writes to stdout and resolves when the client can have it. */
	readonly write: (text: string) => Promise<void>;
}

/** Messages of one hand-over. */
const batch = 20;
/** How often Stop keeps the agent going for one prompt; the client itself ends it at 8. */
const mostKept = 5;
/** What `receipts` calls this way. */
const route = 'hook';

/** What happens at one event. Rejects with whatever went wrong; what was written by then stands. */
export async function runHook(work: Work): Promise<void> {
	const {event, input, session} = work;
	// A subagent would take mail that is its principal's, and end with it.
	if (input.agent_id !== null) return;
	switch (event) {
		case 'SessionStart': {
			await Promise.all([handOver(work), touch(work, 'idle')]);
			return;
		}
		case 'UserPromptSubmit': {
			const {kept, blocked} = session.read();
			if (kept > 0 || blocked) session.change({kept: 0, blocked: false});
			await Promise.all([handOver(work), touch(work, 'working')]);
			return;
		}
		case 'PostToolBatch': {
			const {blocked} = session.read();
			if (blocked) session.change({blocked: false});
			await Promise.all([handOver(work), blocked ? touch(work, 'working') : null]);
			return;
		}
		case 'Stop': {
			if (!(await keepGoing(work))) await touch(work, 'idle');
			return;
		}
		case 'Notification': {
			if (!asksPermission(input)) return;
			session.change({blocked: true});
			await touch(work, 'blocked');
			return;
		}
		case 'Interrupt': {
			session.change({blocked: false});
			await touch(work, 'idle');
			return;
		}
		case 'SessionEnd': {
			session.remove();
			await touch(work, 'away');
		}
	}
}

async function touch({call}: Work, presence: Presence): Promise<void> {
	await call('agent_touch', {p_presence: presence});
}

function asksPermission({notification_type, message}: HookInput): boolean {
	if (notification_type !== null) return notification_type === 'permission_prompt';
	return /permission/i.test(message ?? '');
}

async function handOver(work: Work): Promise<void> {
	const {event, tag} = work;
	const {mail, more} = await take(work);
	if (mail.length === 0) return;
	const additionalContext = mailText(tag, mail, {more});
	await say(work, {hookSpecificOutput: {hookEventName: event, additionalContext}}, mail);
}

/** Whether it did. New mail keeps the agent going, and once per message what it was given and left open. */
async function keepGoing(work: Work): Promise<boolean> {
	const {tag, input, session, call} = work;
	const {kept, reminded} = session.read();
	if (kept >= mostKept) return false;
	// The count comes first: where it cannot be kept, nothing is, and there is no loop.
	const {mail, more} = await take(work);
	if (mail.length > 0) {
		session.change({kept: kept + 1});
		await say(work, {decision: 'block', reason: mailText(tag, mail, {more})}, mail);
		return true;
	}
	if (input.stop_hook_active) return false;
	const inbox = readMail(await call('inbox', {p_reader: tag, p_limit: 100}, mailColumns));
	const open = inbox
		.filter(({id, mentions}) => !reminded.includes(id) && mentions.some(mention => sameTag(mention, tag)))
		.slice(0, batch);
	if (open.length === 0) return false;
	session.change({kept: kept + 1, reminded: [...reminded, ...open.map(({id}) => id)]});
	await say(work, {decision: 'block', reason: openText(tag, open)}, []);
	return true;
}

/** What is new; without what this session has been told already and only the receipt is missing for, which is sent now. */
async function take({call, session}: Work): Promise<{mail: Mail[]; more: boolean}> {
	const taken = readMail(await call('inbox_take', {p_limit: batch, p_route: route}, mailColumns));
	const {unsaid} = session.read();
	if (unsaid.length > 0) {
		await call('receipt_deliver', {p_ids: unsaid, p_route: route});
		session.change({unsaid: []});
	}
	return {mail: taken.filter(({id}) => !unsaid.includes(id)), more: taken.length >= batch};
}

/** Only what was flushed counts as delivered; where the receipt does not get through, the next hook sends it. */
async function say({write, call, session}: Work, answer: object, mail: readonly Mail[]): Promise<void> {
	await write(`${JSON.stringify(answer)}\n`);
	if (mail.length === 0) return;
	const ids = mail.map(({id}) => id);
	session.change({unsaid: [...session.read().unsaid, ...ids]});
	await call('receipt_deliver', {p_ids: ids, p_route: route});
	const {unsaid} = session.read();
	session.change({unsaid: unsaid.filter(id => !ids.includes(id))});
}

/** The tag of `--as TAG` (or AGENTMUX_TAG). Throws when there is none. */
export function tagIn(words: readonly string[], env: NodeJS.ProcessEnv): Tag {
	const tag = words[words.indexOf('--as') + 1 || words.length] ?? env['AGENTMUX_TAG'] ?? '';
	if (!isTag(tag)) throw new Error(`\`${tag}\` is not a tag: --as TAG says who the agent is`);
	return tag;
}
