import type {Mailbox} from '../../mailbox/mailbox.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';

/** The maximum number of tags that are named as not joined, and of those that have joined. */
const maxUnknown = 10;
const maxKnown = 100;
/** Milliseconds for which a tag that has joined counts as joined without being looked up again: it could be forgotten meanwhile. */
const knownFor = 60_000;

const outcomes = {message: 'it is delivered after resume', task: 'it can be claimed after resume'};

/** What one server knows of the tags that have joined. */
export class JoinedTags {
	#known: readonly Tag[] = [HUMAN];
	#paused: readonly Tag[] = [];
	#readAt = Number.NEGATIVE_INFINITY;

	/**
	 * A line about those of the tags under which no agent has joined, with what was probably meant, and about those that are paused; none
	 * if there are none. `what` will wait for them.
	 */
	async unknownLines(
		mailbox: Pick<Mailbox, 'agents'>,
		tags: readonly Tag[],
		what: 'message' | 'task',
	): Promise<string[]> {
		// Most messages go to agents to whom this one wrote just now, and cost no request.
		const isFresh = performance.now() - this.#readAt < knownFor;
		if (without(isFresh ? this.#known : [HUMAN], tags).length === 0) return this.#pausedLines(tags, what);
		const agents = await mailbox.agents();
		this.#known = [HUMAN, ...agents.map(({tag}) => tag)];
		this.#paused = agents.filter(({paused}) => paused !== null).map(({tag}) => tag);
		this.#readAt = performance.now();
		const unknown = without(this.#known, tags).slice(0, maxUnknown);
		const joined = this.#known.slice(0, maxKnown);
		const sentences = unknown.map(tag => {
			const near = nearest(tag, joined);
			const hint = near === null ? `These have joined: ${joined.join(', ')}.` : `Did you mean ${near}?`;
			return `${tag} has not joined; the ${what} will wait for it. ${hint}`;
		});
		return [...(sentences.length === 0 ? [] : [sentences.join(' ')]), ...this.#pausedLines(tags, what)];
	}

	#pausedLines(tags: readonly Tag[], what: 'message' | 'task'): string[] {
		const paused = this.#paused.filter(tag => tags.some(other => sameTag(tag, other))).slice(0, maxUnknown);
		if (paused.length === 0) return [];
		return [`${paused.join(', ')} ${paused.length === 1 ? 'is' : 'are'} paused by a human; ${outcomes[what]}.`];
	}
}

/** Those of the tags that are not known. */
function without(known: readonly Tag[], tags: readonly Tag[]): Tag[] {
	return tags.filter(tag => !known.some(other => sameTag(tag, other)));
}
