import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {isKnownTag} from '../../store/delivery.ts';
import type {State} from '../../store/state/state.ts';

/** Who will get a task or the first step of a plan, and whether anybody is woken for it. `now`: milliseconds since 1970. */
export function whoGetsIt(state: State, assignee: Tag | undefined, now: number): string {
	if (assignee === undefined) return `for ${anybody([...state.agents.values()], now)}`;
	if (!isKnownTag(state, assignee)) return `for ${assignee}, which never joined`;
	const agent = state.agents.get(foldTag(assignee));
	return agent === undefined ? `for ${assignee}` : `for ${assignee}, ${outcome(agent, now)}`;
}

function anybody(all: readonly Agent[], now: number): string {
	const team = all.filter(({kind, revoked_at}) => kind === 'agent' && revoked_at === null);
	const states = new Set(
		team.map(agent => (agent.wake === null && agent.presence === 'idle' ? 'deaf' : presenceOf(agent, now))),
	);
	if (states.has('idle')) return 'any agent; an idle one is woken';
	if (states.has('working') || states.has('blocked')) return 'any agent; the next one that is done';
	return states.has('deaf') ? 'any agent; none can be woken' : 'any agent; none is there';
}

function outcome(agent: Agent, now: number): string {
	if (agent.revoked_at !== null) return 'which is revoked';
	switch (presenceOf(agent, now)) {
		case 'working':
			return 'when its turn is done';
		case 'idle':
			return agent.wake === null ? 'at its next turn' : 'which is woken';
		case 'blocked':
			return 'when it resumes';
		case 'away':
			return 'which is away';
		case 'gone':
			return 'which is gone';
	}
}
