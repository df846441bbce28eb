/** The name in brackets that a message starts with: `[CLAUDE_1] text`. */
export type Tag = string;

/** The tag of a message without a tag in brackets. */
export const UNTAGGED: Tag = 'UNTAGGED';

/** The human's tag unless AGENTMUX_TAG sets another. */
export const HUMAN: Tag = 'HUMAN';

/** The tag of messages about watched tables. */
export const SYSTEM: Tag = 'SYSTEM';

/** The grammar of tags, as parts of regular expressions. The migrations have the same; a test compares the two. */
export const tagLetter = '[A-Za-z0-9_-]';
export const tagPattern = `[A-Za-z]${tagLetter}{0,31}`;
/** `@TAG` in a text; captures the tag. */
export const mentionPattern = `(?<!@|${tagLetter})@(${tagPattern})(?!${tagLetter})`;

const whole = new RegExp(`^${tagPattern}$`);

/** The same in words, for whoever gave something else. */
export const tagGrammar = 'A tag is a letter, then up to 31 letters, digits, `_` or `-`: CLAUDE_1.';

/** Whether `text` is a tag: a letter, then up to 31 letters, digits, `_` or `-`. */
export function isTag(text: string): boolean {
	return whole.test(text);
}

declare const folded: unique symbol;

/** The form in which tags are compared; they are shown as first seen. */
export type FoldedTag = Tag & {readonly [folded]: true};

export function foldTag(tag: Tag): FoldedTag {
	return tag.toUpperCase() as FoldedTag;
}

export function sameTag(one: Tag, other: Tag): boolean {
	return foldTag(one) === foldTag(other);
}

/** Whether a tag has a fixed meaning, so that no agent can join as it. */
export function isReserved(tag: Tag): boolean {
	return [HUMAN, SYSTEM, UNTAGGED].some(reserved => sameTag(tag, reserved));
}
