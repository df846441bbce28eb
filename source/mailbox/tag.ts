/** The name in brackets that a message starts with: `[CLAUDE_1] text`. */
export type Tag = string;

/** What a message without a tag in brackets belongs to. */
export const UNTAGGED: Tag = 'UNTAGGED';

/** Who the human is unless AGENTMUX_TAG says otherwise. */
export const HUMAN: Tag = 'HUMAN';

/** Under which watched tables speak. */
export const SYSTEM: Tag = 'SYSTEM';

/** The grammar of tags, as parts of regular expressions; the migrations have the same, and a test compares the two. */
export const tagLetter = '[A-Za-z0-9_-]';
export const tagPattern = `[A-Za-z]${tagLetter}{0,31}`;
/** `@TAG` in a text; captures the tag. */
export const mentionPattern = `(?<!@|${tagLetter})@(${tagPattern})(?!${tagLetter})`;

const whole = new RegExp(`^${tagPattern}$`);

/** Whether `text` may stand in the brackets: a letter, then up to 31 letters, digits, `_` or `-`. */
export function isTag(text: string): boolean {
	return whole.test(text);
}

declare const folded: unique symbol;

/** The form two tags are compared in; they are shown as first seen. */
export type FoldedTag = Tag & {readonly [folded]: true};

export function foldTag(tag: Tag): FoldedTag {
	return tag.toUpperCase() as FoldedTag;
}

export function sameTag(one: Tag, other: Tag): boolean {
	return foldTag(one) === foldTag(other);
}

/** Tags that mean something already, and that no agent can join as. */
export function isReserved(tag: Tag): boolean {
	return [HUMAN, SYSTEM, UNTAGGED].some(reserved => sameTag(tag, reserved));
}
