import {addressees, presenceOf, type Agent} from '../../mailbox/agent.ts';
import {mentionsIn} from '../../mailbox/message.ts';
import {foldTag, HUMAN, sameTag} from '../../mailbox/tag.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {isKnownTag, meantTag} from '../../store/delivery.ts';
import type {State} from '../../store/state/state.ts';
import type {Style} from '../screen/style.ts';
import {theme} from '../settings/theme.ts';
import type {Compose} from '../model/ui.ts';
import {presenceWords} from '../settings/words.ts';
import {beginnings, commandIn, messageIn} from './commands.ts';
import {mentionAtCursor} from './mention-completion.ts';

/** What will happen to the draft, in wordings from long to short. */
export interface DeliveryForecast {
	readonly wordings: readonly Printable[];
	readonly style: Style;
}

/** How much of a draft is searched for mentions. */
const maxSearched = 2000;

/**
 * When the addressees will read the draft. It warns of tags that nobody has, which are usually typos, and of agents that are
 * away. Null if there is nothing to say.
 */
export function forecastOf(state: State, compose: Compose, now: number): DeliveryForecast | null {
	// The mention that is still being typed does not count.
	const open = mentionAtCursor(compose.editor);
	const command = commandIn(compose.editor.text.slice(0, maxSearched));
	if (command !== null) {
		if (open !== null) return null;
		if (!('fault' in command))
			return {wordings: command.command.explain(command.rest, state, now).map(printable), style: theme.grey};
		const isBegun = beginnings.some(({name}) => name.startsWith(compose.editor.text.slice(1).toLowerCase()));
		return isBegun
			? null
			: {wordings: [p`no such command; // begins a message with /`, p`no such command`], style: theme.warn};
	}
	const {body, isUrgent} = messageIn(compose.editor.text.slice(0, maxSearched));
	const tags = mentionsIn(body).filter(tag => open === null || !sameTag(tag, open.typed));
	const unknown = tags.find(tag => !isKnownTag(state, tag));
	if (unknown !== undefined) {
		const meant = meantTag(state, unknown);
		const plain = p`no agent ${printable(unknown)}`;
		const wordings = meant === null ? [plain] : [p`${plain}; did you mean ${printable(meant)}?`, plain];
		return {wordings, style: theme.warn};
	}
	const me = state.identity?.tag ?? HUMAN;
	const agents = addressees([...state.agents.values()], tags, me).flatMap(tag => {
		const agent = state.agents.get(foldTag(tag));
		return agent === undefined || agent.kind === 'human' ? [] : [agent];
	});
	const [first] = agents;
	if (first === undefined) return null;
	if (agents.length === 1) {
		const {words, outcome, isDoubtful} = pickup(first, isUrgent, now);
		return {wordings: [p`${words}: ${outcome}`, words], style: isDoubtful ? theme.warn : theme.grey};
	}
	const each = agents.map(agent => ({...pickup(agent, isUrgent, now), tag: printable(agent.tag)}));
	const listed = (list: typeof each): Printable =>
		joinPrintable(
			list.map(({tag, words}) => p`${tag} ${words}`),
			', ',
		);
	const doubtful = each.filter(({isDoubtful}) => isDoubtful);
	const wordings = doubtful.length > 0 ? [listed(each), listed(doubtful)] : [listed(each)];
	return {wordings, style: doubtful.length > 0 ? theme.warn : theme.grey};
}

interface Pickup {
	/** The agent's presence. */
	readonly words: Printable;
	/** What that means for a message. */
	readonly outcome: Printable;
	/** It is uncertain when a message will be read. */
	readonly isDoubtful: boolean;
}

function pickup(agent: Agent, isUrgent: boolean, now: number): Pickup {
	if (agent.revoked_at !== null) return {words: p`revoked`, outcome: p`never reads this`, isDoubtful: true};
	if (agent.paused !== null) return {words: p`paused`, outcome: p`delivered after resume`, isDoubtful: true};
	const {words} = presenceWords(agent, now);
	switch (presenceOf(agent, now)) {
		case 'working':
			return {
				words,
				outcome: agent.focused && !isUrgent ? p`reads this after its turn` : p`reads this mid-turn`,
				isDoubtful: false,
			};
		case 'idle':
			return {
				words,
				outcome: agent.wake === null ? p`reads this at its next turn` : p`will be woken`,
				isDoubtful: false,
			};
		case 'blocked':
			return {words, outcome: p`reads this when it resumes`, isDoubtful: true};
		case 'away':
		case 'gone':
			return {words, outcome: p`waits`, isDoubtful: true};
	}
}
