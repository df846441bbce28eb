import {groupsOf, type Agent} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';

/**
 * For each of the tags under which no agent has joined: a sentence that suggests what was meant. A typo in a tag must not lose a
 * message or show an empty channel silently.
 */
export async function unknownTags(mailbox: Mailbox, tags: readonly Tag[]): Promise<Map<Tag, string>> {
	return tags.length === 0 ? new Map() : unknownAmong(await mailbox.agents(), tags);
}

/** The same of agents that were read. */
export function unknownAmong(agents: readonly Agent[], tags: readonly Tag[]): Map<Tag, string> {
	const known = [HUMAN, ...agents.map(({tag}) => tag), ...groupsOf(agents)];
	const unknown = tags.filter(tag => !known.some(other => sameTag(tag, other)));
	return new Map(
		unknown.map(tag => {
			const near = nearest(tag, known);
			return [tag, `${near === null ? '' : `Did you mean ${near}? `}See \`agentmux agents\`.`];
		}),
	);
}
