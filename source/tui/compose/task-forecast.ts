import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {isKnownTag} from '../../store/delivery.ts';
import type {State} from '../../store/state/state.ts';

/** Who will get a task, in words that continue "adds a task", and more briefly in words that stand alone. */
export interface Receiver {
	readonly long: string;
	readonly brief: string;
}

/** Who will get a task or the first step of a plan, and whether anybody is woken for it. `now`: milliseconds since 1970. */
export function whoGetsIt(state: State, assignee: Tag | undefined, now: number): Receiver {
	if (assignee === undefined) {
		const {long, brief} = anybody([...state.agents.values()], now);
		return {long: `for any agent; ${long}`, brief};
	}
	if (!isKnownTag(state, assignee))
		return {long: `for ${assignee}, which never joined`, brief: `${assignee} never joined`};
	const agent = state.agents.get(foldTag(assignee));
	const known = {long: `for ${assignee}`, brief: `for ${assignee}`};
	if (agent === undefined) return known;
	const [relation, fate] = outcome(agent, now);
	const long = `${known.long}, ${relation}${fate}`;
	return relation === '' ? {...known, long} : {long, brief: `${assignee} ${fate}`};
}

function anybody(all: readonly Agent[], now: number): Receiver {
	const team = all.filter(({kind, revoked_at, paused}) => kind === 'agent' && revoked_at === null && paused === null);
	const states = new Set(
		team.map(agent => (agent.wake === null && agent.presence === 'idle' ? 'deaf' : presenceOf(agent, now))),
	);
	if (states.has('idle')) return {long: 'an idle one is woken', brief: 'wakes an agent'};
	if (states.has('working') || states.has('blocked'))
		return {long: 'the next one that is done', brief: 'for any agent'};
	if (states.has('deaf')) return {long: 'none can be woken', brief: 'wakes no agent'};
	return {long: 'none is there', brief: 'no agent is there'};
}

/** What that means for the agent's task; after `which ` what is true of the agent itself. */
function outcome(agent: Agent, now: number): readonly [relation: 'which ' | '', fate: string] {
	if (agent.revoked_at !== null) return ['which ', 'is revoked'];
	if (agent.paused !== null) return ['which ', 'is paused'];
	switch (presenceOf(agent, now)) {
		case 'working':
			return ['', 'when its turn is done'];
		case 'idle':
			return agent.wake === null ? ['', 'at its next turn'] : ['which ', 'is woken'];
		case 'blocked':
			return ['', 'when it resumes'];
		case 'away':
			return ['which ', 'is away'];
		case 'gone':
			return ['which ', 'is gone'];
	}
}
