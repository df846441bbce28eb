import {sharedText, type Presence} from '../../mailbox/agent.ts';
import {createBell} from './bell.ts';
import {batch, keepEdits, say, takeMail, textOf, words, type HookRun} from './hand-over.ts';
import {isWakeText, mailColumns, readMail} from './mail.ts';
import {actorOf, block, countSubagents, unblock} from './permission.ts';
import {stopClient} from './stop.ts';

/** How often Stop keeps the agent going for one prompt; the client itself stops at 8. */
const maxKept = 5;

/** Handles one event. Rejects with any error; output written by then counts. */
export async function runHook(work: HookRun): Promise<void> {
	const {event, input, session, bell, call} = work;
	if (input.agent_id !== null && event !== 'PermissionRequest') return subagentEvent(work);
	switch (event) {
		case 'SessionStart': {
			await start(work);
			return;
		}
		case 'UserPromptSubmit': {
			session.change({working: true, kept: 0, blocked: [], subagents: 0, transcript: input.transcript_path});
			await handOver(work, 'working');
			return;
		}
		case 'PostToolBatch': {
			const goesOn = unblock(session, actorOf(input, session));
			if (session.read().subagents === 0) {
				await handOver(work, goesOn ? 'working' : null);
				return;
			}
			keepEdits(work);
			if (goesOn) await touch(work, 'working');
			return;
		}
		case 'SubagentStart': {
			if (countSubagents(session, 1)) await touch(work, 'working');
			return;
		}
		case 'SubagentStop': {
			const goesOn = countSubagents(session, -1);
			if (session.read().subagents === 0) await handOver(work, goesOn ? 'working' : null);
			return;
		}
		case 'PermissionRequest': {
			block(session, actorOf(input, session));
			await ask(work);
			return;
		}
		case 'Stop': {
			// First of all, because the agent's server takes a turn that ends without this for an interrupted one.
			session.change({working: false, blocked: []});
			if (!(await keepGoing(work))) await touch(work, 'idle');
			return;
		}
		// The turn ended with an error of the model, which has not read what it was given.
		case 'StopFailure': {
			session.change({working: false, blocked: []});
			await call('receipt_return', {p_session: work.client});
			await touch(work, 'idle');
			return;
		}
		case 'FileChanged': {
			if (bell !== null && input.file_path === bell) await wakeUp(work);
			return;
		}
		case 'SessionEnd': {
			await end(work);
			return;
		}
		// Answered without a mailbox: run-hook.ts.
		case 'CwdChanged':
	}
}

/**
 * What a subagent does changes only whether somebody waits for permission. Mail is not handed over: it is its principal's, and would
 * be lost when the subagent ends. In the background it may outlive the turn.
 */
async function subagentEvent(work: HookRun): Promise<void> {
	const {event, input, session} = work;
	if (event !== 'PostToolBatch' && event !== 'Stop' && event !== 'StopFailure') return;
	keepEdits(work);
	if (unblock(session, actorOf(input, session))) await touch(work, session.read().working ? 'working' : 'idle');
}

/**
 * A client that can be woken takes no mail here: nobody would ask its model to read it. It is idle from now on, so that its bell is
 * rung for what waits. Only after a compaction in the middle of a turn does the model go on.
 */
async function start(work: HookRun): Promise<void> {
	const {input, session, bell} = work;
	const {working} = session.read();
	const goesOn = input.source === 'compact' && working;
	if (!goesOn) session.reset(input.transcript_path);
	if (bell !== null) createBell(bell);
	const held = heldTexts(work);
	if (goesOn || bell === null) return handOver(work, goesOn ? null : 'idle', held);
	const [sessions, texts] = await Promise.all([touch(work, 'idle'), held]);
	await answer(work, [...(isNewlyShared(work, sessions) ? [sharedText(work.tag)] : []), ...texts]);
}

/** Names what the agent has claimed, which a new or compacted session does not know. Mail is handed over even if that fails. */
async function heldTexts({tag, call}: HookRun): Promise<string[]> {
	const rows = await call('task_held', {}, ['id', 'progress']).catch(() => null);
	if (!Array.isArray(rows) || rows.length === 0) return [];
	const text = (await words()).heldText(tag, rows);
	return text === null ? [] : [text];
}

/** With `clear` and `resume`, the same client goes on with another session. */
async function end(work: HookRun): Promise<void> {
	const {input, session, call, client} = work;
	if (input.reason === 'clear' || input.reason === 'resume') {
		session.reset();
		await call('receipt_return', {p_session: client});
		return;
	}
	session.remove();
	// This also returns what it had and did not read.
	await touch(work, 'away');
}

/** Asks humans, if the client takes their answer. Until somebody answers, the agent is blocked. */
async function ask(work: HookRun): Promise<void> {
	const {approve, input, session} = work;
	const outcome = await (await approve()).run(work);
	if (outcome === 'unasked') await touch(work, 'blocked');
	if (outcome !== 'answered') return;
	unblock(session, actorOf(input, session));
	await touch(work, 'working');
}

/** Records the presence. Resolves with the number of clients that use the tag. */
async function touch({call, client, event, input, bell}: HookRun, presence: Presence): Promise<number> {
	const agent = await call('agent_touch', {
		p_presence: presence,
		p_session: client,
		...(event === 'SessionStart' && bell !== null ? {p_wake: 'bell'} : {}),
		...(event === 'UserPromptSubmit' && !isWakeText(input.prompt ?? '') ? {p_prompted: true} : {}),
	});
	const {sessions} = (agent ?? {}) as {readonly sessions?: unknown};
	return typeof sessions === 'number' ? sessions : 0;
}

/** Hands new mail over as context, after the texts `before` it, with a warning if another client shares the inbox. */
async function handOver(
	work: HookRun,
	presence: Presence | null,
	before: Promise<string[]> | null = null,
): Promise<void> {
	const [taken, sessions, said] = await Promise.all([
		takeMail(work),
		presence === null ? null : touch(work, presence),
		before ?? [],
	]);
	const {tag, room} = work;
	if (taken.wish !== null) return stopClient(work, taken.wish);
	const texts = [...(isNewlyShared(work, sessions) ? [sharedText(tag)] : []), ...said];
	if (taken.files.length > 0) texts.push((await import('./edits-text.ts')).editsText(taken.files, Date.now()));
	if (taken.mail.length === 0) return answer(work, texts);
	const max = room.max - room.size([...texts, ''].join('\n\n'));
	const {text, shown} = await textOf({tag, room: {...room, max}}, taken);
	await answer(work, [...texts, text], shown, shown.length < taken.mail.length);
}

/** Says nothing if there is nothing to say. */
async function answer(
	work: HookRun,
	texts: readonly string[],
	mail: Parameters<typeof say>[2] = [],
	isPart = false,
): Promise<void> {
	const {event, bell} = work;
	const hookSpecificOutput = {
		hookEventName: event,
		...(event === 'SessionStart' && bell !== null ? {watchPaths: [bell]} : {}),
		...(texts.length > 0 ? {additionalContext: texts.join('\n\n')} : {}),
	};
	if (Object.keys(hookSpecificOutput).length > 1) await say(work, {hookSpecificOutput}, mail, isPart);
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
 * Keeps the agent going if there is new mail, or, once per message, if it was asked something and left that open. Resolves with
 * whether it did. The number of times is limited by our own count, because a turn that began with a wake is marked as kept going by a
 * hook from its start.
 */
async function keepGoing(work: HookRun): Promise<boolean> {
	const {tag, session, call} = work;
	const {kept} = session.read();
	const isOver = kept >= maxKept;
	// The count is saved before anything is written: if saving fails, nothing is written, so there can be no loop.
	const taken = await takeMail(work, isOver ? 0 : batch);
	if (taken.mail.length > 0) {
		session.change({working: true, kept: kept + 1});
		const {text, shown} = await textOf(work, taken);
		await say(work, {decision: 'block', reason: text}, shown, shown.length < taken.mail.length);
		return true;
	}
	const {asked} = session.read();
	if (isOver || asked.length === 0) return false;
	session.change({asked: []});
	const inbox = readMail(await call('inbox', {p_reader: tag, p_limit: 100}, mailColumns));
	const open = inbox.filter(({id}) => asked.includes(id)).slice(0, batch);
	if (open.length === 0) return false;
	session.change({working: true, kept: kept + 1});
	await say(work, {decision: 'block', reason: (await words()).openText(tag, open)}, []);
	return true;
}

/**
 * Wakes the client with only a notice, if it is the one to be woken now: the database decides. The notice becomes a prompt, whose hook
 * takes and hands over the mail.
 */
async function wakeUp({tag, call, client, wake}: HookRun): Promise<void> {
	const waiting = readMail(await call('wake_begin', {p_session: client, p_limit: batch}, mailColumns));
	if (waiting.length > 0) await wake((await words()).wakeText(tag, waiting));
}
