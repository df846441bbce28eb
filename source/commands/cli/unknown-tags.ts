import type {Mailbox} from '../../mailbox/mailbox.ts';
import {nearest} from '../../mailbox/nearest.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';

/**
 * A typo in a tag must not swallow a message or show an empty channel without a word: for each of the tags that no agent
 * has joined as, what it may have meant, as a sentence (or none).
 */
export async function unknownTags(mailbox: Mailbox, tags: readonly Tag[]): Promise<Map<Tag, string>> {
	if (tags.length === 0) return new Map();
	const known = [HUMAN, ...(await mailbox.agents()).map(({tag}) => tag)];
	const strange = tags.filter(tag => !known.some(other => sameTag(tag, other)));
	return new Map(
		strange.map(tag => {
			const near = nearest(tag, known);
			return [tag, `${near === null ? '' : `Did you mean ${near}? `}See \`agentmux agents\`.`];
		}),
	);
}
