import {UsageError} from '../mailbox/error.ts';
import {isReserved, isTag, type Tag} from '../mailbox/tag.ts';

type Flags = {readonly [name: string]: unknown};

/** The value of a text flag, or undefined when it was not given. */
export function textFlag(flags: Flags, name: string): string | undefined {
	const value = flags[name];
	return typeof value === 'string' ? value : undefined;
}

/** A whole number of at least `least`. Throws UsageError when the value is anything else. */
export function countFlag(flags: Flags, name: string, least = 1): number | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : count(text, `--${name}`, least);
}

/** The id of a row, `12` or `#12`. Throws UsageError when it is none. */
export function idFlag(flags: Flags, name: string, least = 1): number | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : count(text.replace(/^#/, ''), `--${name}`, least);
}

/** The id among a command's words; `what` names it for the sentence. */
export function idWord(word: string | undefined, what: string): number {
	if (word === undefined) throw new UsageError(`No ${what} given.`, 'It is a number, as the lists print it.');
	return count(word.replace(/^#/, ''), `The ${what}`, 1);
}

/** A tag, `CLAUDE_1` or `@CLAUDE_1`. Throws UsageError when it is none. */
export function tagFlag(flags: Flags, name: string): Tag | undefined {
	const text = textFlag(flags, name);
	return text === undefined ? undefined : asTag(text, `--${name}`);
}

export function asTag(text: string, where: string): Tag {
	const tag = text.replace(/^@/, '');
	if (isTag(tag)) return tag;
	throw new UsageError(
		`\`${text}\` (${where}) is not a tag.`,
		'A tag is a letter, then up to 31 letters, digits, `_` or `-`: CLAUDE_1.',
	);
}

/** A tag that an agent can have. Throws UsageError for what is missing, no tag, or reserved. */
export function agentTag(text: string | undefined, where: string): Tag {
	if (text === undefined || text === '') {
		throw new UsageError('No agent given.', 'Give its tag (or set AGENTMUX_TAG): CLAUDE_1.');
	}
	const tag = asTag(text, where);
	if (isReserved(tag))
		throw new UsageError(`${tag} is reserved; an agent cannot join as it.`, 'Take another tag: CLAUDE_1.');
	return tag;
}

/** The words as one text, as typed with spaces between. Throws UsageError when there is none. */
export function textOf(input: readonly string[], what: string): string {
	const text = input.join(' ');
	if (text.trim() === '') throw new UsageError(`The ${what} is missing.`, 'See --help for an example.');
	return text;
}

const units: {readonly [unit: string]: number} = {s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000};

/**
 * A time as milliseconds since 1970: how long before `now` (90s, 30m, 2h, 7d), a local time of its day (14:30), or an ISO date
 * with or without a time. Throws UsageError when it is none.
 */
export function timeFlag(flags: Flags, name: string, now: number): number | undefined {
	const text = textFlag(flags, name);
	if (text === undefined) return undefined;
	const ago = /^(\d{1,6})(s|m|h|d)$/.exec(text);
	if (ago !== null) return now - Number(ago[1]) * (units[ago[2] ?? ''] ?? 0);
	const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
	const at =
		clock === null
			? Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text)
			: new Date(now).setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0);
	const isReal = clock === null ? /^\d{4}-\d{2}-\d{2}/.test(text) : Number(clock[1]) < 24 && Number(clock[2]) < 60;
	if (!isReal || Number.isNaN(at)) {
		throw new UsageError(
			`\`${text}\` (--${name}) is not a time.`,
			'Give how long ago (30m, 2h, 7d), a time (14:30) or a date (2026-11-20T14:30).',
		);
	}
	return at;
}

function count(text: string, where: string, least: number): number {
	if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
	throw new UsageError(`${where} is \`${text}\`, which is not a whole number of at least ${least}.`);
}
