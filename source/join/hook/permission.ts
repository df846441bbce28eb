import type {HookInput} from './hook-input.ts';
import type {SessionFile} from './hook-session.ts';

/*
 * Who of a session waits for the human's permission. That the tools of one have ended says nothing about the others.
 */

/** The agent itself. */
const itself = '';
/** A subagent of a client that does not say which. */
const subagent = 'subagent';

/** Who asks, or whose tools have ended: while subagents run whose events are not marked, one of them. */
export function actorOf({agent_id}: Pick<HookInput, 'agent_id'>, session: SessionFile): string {
	return agent_id ?? (session.read().subagents > 0 ? subagent : itself);
}

/** It waits from now on. */
export function block(session: SessionFile, actor: string): void {
	const {blocked} = session.read();
	if (!blocked.includes(actor)) session.change({blocked: [...blocked, actor]});
}

/** It goes on. Returns whether nobody waits any more, after somebody did. */
export function unblock(session: SessionFile, actor: string): boolean {
	const {blocked} = session.read();
	if (!blocked.includes(actor)) return false;
	const others = blocked.filter(each => each !== actor);
	session.change({blocked: others});
	return others.length === 0;
}

/** Changes the number of running subagents, for clients that report only that. Returns the same as unblock. */
export function countSubagents(session: SessionFile, change: 1 | -1): boolean {
	const subagents = Math.max(0, session.read().subagents + change);
	session.change({subagents});
	// One starts after the agent was permitted to start it; and when the last has ended, none of them asks any more.
	if (change === 1) return unblock(session, itself);
	return subagents === 0 && unblock(session, subagent);
}
