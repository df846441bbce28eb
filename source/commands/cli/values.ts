import {UsageError} from '../../mailbox/error.ts';
import {momentAt} from '../../mailbox/filter.ts';
import {parseMoment} from '../../mailbox/filter/filter-time.ts';
import {isReserved, isTag, tagGrammar, type Tag} from '../../mailbox/tag.ts';
import {dashed} from './parse.ts';

type Flags = {readonly [name: string]: unknown};

/** The value of a text flag; undefined if it was not given. */
export function textFlag(flags: Flags, name: string): string | undefined {
	const value = flags[name];
	return typeof value === 'string' ? value : undefined;
}

/** A whole number of at least `min`. Throws UsageError for any other value. */
export function countFlag(flags: Flags, name: string, min = 1): number | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : count(text, dashed(name), min);
}

/** The id of a row, `12` or `#12`. Throws UsageError for any other value. */
export function idFlag(flags: Flags, name: string, min = 1): number | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : count(text.replace(/^#/, ''), dashed(name), min);
}

/** An id given as an argument, `12` or `#12`; `what` names it in errors. Throws UsageError if it is missing or not an id. */
export function idWord(word: string | undefined, what: string): number {
	if (word === undefined) throw new UsageError(`No ${what} given.`, 'Give its number, as the lists print it.');
	return count(word.replace(/^#/, ''), `The ${what}`, 1);
}

/** A tag, `CLAUDE_1` or `@CLAUDE_1`. Throws UsageError if it is not a tag. */
export function tagFlag(flags: Flags, name: string): Tag | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : asTag(text, dashed(name));
}

export function asTag(text: string, where: string): Tag {
	const tag = text.replace(/^@/, '');
	if (isTag(tag)) return tag;
	throw new UsageError(`\`${text}\` (${where}) is not a tag.`, tagGrammar);
}

/** The name of a group. Throws UsageError if it is none, or reserved. */
export function groupName(text: string): string {
	const name = text.replace(/^@/, '');
	if (!isTag(name)) throw new UsageError(`\`${text}\` is no name for a group.`, tagGrammar);
	if (isReserved(name)) throw new UsageError(`${name} is reserved.`, 'Use another name for the group: backend.');
	return name;
}

/** A tag that an agent can have. Throws UsageError if it is missing, not a tag, or reserved. */
export function agentTag(text: string | undefined, where: string): Tag {
	if (text === undefined || text === '') {
		throw new UsageError('No agent given.', 'Give its tag (or set AGENTMUX_TAG): CLAUDE_1.');
	}
	const tag = asTag(text, where);
	if (isReserved(tag))
		throw new UsageError(`${tag} is reserved; an agent cannot join as it.`, 'Use another tag: CLAUDE_1.');
	return tag;
}

/** The arguments as one text, joined by spaces. Throws UsageError if it is empty. */
export function textOf(input: readonly string[], what: string): string {
	const text = input.join(' ');
	if (text.trim() === '') throw new UsageError(`The ${what} is missing.`, 'See --help for an example.');
	return text;
}

/**
 * A time as milliseconds since 1970. `direction` decides whether `2h` or `14:30` lies in the past or in the future. Throws
 * UsageError if it is not a time.
 */
export function timeFlag(
	flags: Flags,
	name: string,
	direction: 'past' | 'future',
	now = Date.now(),
): number | undefined {
	const text = textFlag(flags, name);
	if (text === undefined) return undefined;
	const moment = parseMoment(text, now, direction);
	if (moment !== null) return momentAt(moment, now);
	throw new UsageError(
		`\`${text}\` (${dashed(name)}) is not a time.`,
		`Give how long ${direction === 'past' ? 'ago' : 'from now'} (30m, 2h, 7d), a time (14:30) or a date (2026-11-20, 2026-11-20T14:30).`,
	);
}

function count(text: string, where: string, min: number): number {
	if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
	throw new UsageError(`${where} is \`${text}\`, which is not a whole number of at least ${min}.`);
}
