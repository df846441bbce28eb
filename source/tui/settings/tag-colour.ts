import {foldTag, HUMAN, UNTAGGED, type Tag} from '../../mailbox/tag.ts';
import {memo} from '../screen/memo.ts';
import type {Declared} from '../screen/palette.ts';
import type {Colour} from '../screen/style.ts';

// Easy to tell apart, on dark and on light. The human's green and the grey of untagged messages are not among them.
export const defaultTagColours: readonly Declared[] = (
	[
		[0xb9c46a, 33, 0x4f6b00],
		[0xa9b8cc, 37, 0x44586f],
		[0xc9a2ff, 95, 0x7b3fd4],
		[0x7fe0f5, 96, 0x00708a],
		[0x4fd1c5, 36, 0x007a5e],
		[0xd9b08c, 33, 0x7d4f26],
		[0xe3cf65, 93, 0x776000],
		[0xff9d8a, 31, 0xb8402a],
		[0x8c9bff, 34, 0x3f4fd6],
		[0xff8fb1, 91, 0xb92f6b],
		[0x6fb7ff, 94, 0x0a5fb5],
		[0xe08cf0, 35, 0x9c2f9e],
	] as const
).map(([colour, code, light]): Declared => ({kind: 'text', colour, code, light}));

/** Tags with a fixed colour. */
const fixedColours = [
	[foldTag(HUMAN), 'green'],
	[foldTag(UNTAGGED), 'grey'],
	['SYSTEM', 'task'],
] as const;

/** Numbers from `hashedFrom` on stand for a tag by its hash, those from `fixedFrom` on for one with a fixed colour. */
const hashedFrom = 0x4000_0000;
const fixedFrom = 0x2000_0000;

/** The start value of FNV-1a, chosen so that the most common tags (CLAUDE_1 to CLAUDE_4, CLAUDE_TWIN, REVIEWER) differ. */
const hashStart = 7145;
/** How many of the lowest bits of the hash are dropped, since they are the worst. */
const droppedBits = 2;
const unusedBits = 8;

/**
 * The number that stands for a tag's colour in styles, made from the tag alone. The palette resolves it to a colour when
 * bytes are written, so that cached lines do not depend on the theme.
 */
export const tagColour = memo(5000, (tag: Tag): Colour => {
	const key = foldTag(tag);
	const index = fixedColours.findIndex(([name]) => name === key);
	if (index !== -1) return fixedFrom + index;
	let hash = hashStart;
	for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 16_777_619) >>> 0;
	return hashedFrom + (hash >>> droppedBits);
});

/** The default colour for such a number. */
export function defaultColourOf(
	number: Colour,
	colours: {readonly [Name in (typeof fixedColours)[number][1]]: Colour},
): Colour {
	if (number < hashedFrom) return colours[fixedColours[number - fixedFrom]?.[1] ?? 'grey'];
	const hash = (number - hashedFrom) >>> (unusedBits - droppedBits);
	return defaultTagColours[hash % defaultTagColours.length]?.colour ?? colours.grey;
}
