import type {Mailbox} from '../../mailbox/mailbox.ts';
import {nearest} from '../../mailbox/nearest.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';

/** The maximum number of tags that are named as not joined, and of those that have joined. */
const maxUnknown = 10;
const maxKnown = 100;

/**
 * A line about those of the tags under which no agent has joined, with what was probably meant; none if all have. `what` will wait for
 * them.
 */
export async function unknownTagLines(
	mailbox: Pick<Mailbox, 'agents'>,
	tags: readonly Tag[],
	what: 'message' | 'task',
): Promise<string[]> {
	if (tags.length === 0) return [];
	const known = [HUMAN, ...(await mailbox.agents()).map(({tag}) => tag)];
	const unknown = tags.filter(tag => !known.some(other => sameTag(tag, other))).slice(0, maxUnknown);
	const joined = known.slice(0, maxKnown);
	const sentences = unknown.map(tag => {
		const near = nearest(tag, joined);
		const hint = near === null ? `These have joined: ${joined.join(', ')}.` : `Did you mean ${near}?`;
		return `${tag} has not joined; the ${what} will wait for it. ${hint}`;
	});
	return sentences.length === 0 ? [] : [sentences.join(' ')];
}
