/** The name in brackets that a message starts with: `[CLAUDE_1] text`. */
export type Tag = string;

/** What a message without a tag in brackets belongs to. */
export const UNTAGGED: Tag = 'UNTAGGED';

/** Who the human is unless AGENTMUX_TAG says otherwise. */
export const HUMAN: Tag = 'HUMAN';

/** Under which watched tables speak. */
export const SYSTEM: Tag = 'SYSTEM';

const pattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;

/** Whether `text` may stand in the brackets: a letter, then up to 31 letters, digits, `_` or `-`. */
export function isTag(text: string): boolean {
	return pattern.test(text);
}

/** The form two tags are compared in; they are shown as first seen. */
export function foldTag(tag: Tag): string {
	return tag.toUpperCase();
}

export function sameTag(one: Tag, other: Tag): boolean {
	return foldTag(one) === foldTag(other);
}

/** Tags that mean something already, and that no agent can join as. */
export function isReserved(tag: Tag): boolean {
	return [HUMAN, SYSTEM, UNTAGGED].some(reserved => sameTag(tag, reserved));
}
