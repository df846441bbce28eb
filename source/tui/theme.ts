import {foldTag, HUMAN, UNTAGGED, type Tag} from '../mailbox/tag.ts';
import {declareColour} from './screen/sgr.ts';
import {style, type Colour, type Look, type Style} from './screen/style.ts';

// Each colour with the one of the 16 that stands for it where there are no more. Text has the terminal's own colour.
const grey = declareColour(0x7a828e, 90);
const faint = declareColour(0x4a515c, 90);
const green = declareColour(0x5fd068, 32);
const orange = declareColour(0xf08c3c, 33);
const red = declareColour(0xf05a5a, 31);
const task = declareColour(0xe5a45a, 33);
const code = declareColour(0x9ecbff, 36);
const ink = declareColour(0x101418, 30);
const linkColour = declareColour(0x6fb7ff, 94);
const codeText = declareColour(0xc8cfd8, 37);
/** Behind blocks of code. */
const codeTint: Colour = 0x161c25;

/** Behind the selected message. */
export const selectedTint: Colour = 0x1f2733;
/** Behind the header of the pane that has the keys, and of the others. */
export const focusedTint: Colour = 0x17283f;
export const headerTint: Colour = 0x151820;
/** Behind overlays. */
export const overlayTint: Colour = 0x1a1f29;

/** How what was searched for stands out. */
export const markedLook: Look = {fg: ink, bg: declareColour(0xd8b25c, 33)};

/** Every style that the screen knows, by what it means. */
export const theme = {
	text: style({}),
	strong: style({bold: true}),
	grey: style({fg: grey}),
	faint: style({fg: faint}),
	good: style({fg: green}),
	goodStrong: style({fg: green, bold: true}),
	warn: style({fg: orange}),
	warnStrong: style({fg: orange, bold: true}),
	bad: style({fg: red}),
	badStrong: style({fg: red, bold: true}),
	task: style({fg: task}),
	code: style({fg: code, bg: 0x1b2430}),
	pending: style({fg: grey, italic: true}),
	link: style({fg: linkColour, underline: true}),
	codeBlock: style({fg: codeText, bg: codeTint}),
	codeHead: style({fg: faint, bg: codeTint}),
	codeName: style({fg: grey, bg: codeTint}),
} as const;

/** The parts of code by what they are. */
export const syntax = {
	keyword: style({fg: declareColour(0xc9a2ff, 95), bg: codeTint}),
	type: style({fg: declareColour(0x7fe0f5, 96), bg: codeTint}),
	title: style({fg: code, bg: codeTint}),
	string: style({fg: declareColour(0xb9c46a, 33), bg: codeTint}),
	number: style({fg: task, bg: codeTint}),
	comment: style({fg: grey, bg: codeTint, italic: true}),
	added: style({fg: green, bg: codeTint}),
	removed: style({fg: red, bg: codeTint}),
} as const;

// Told apart by eye, on dark and on light; the human's green and the untagged grey are not among them.
const tagColours: readonly Colour[] = [
	declareColour(0xb9c46a, 33),
	declareColour(0xa9b8cc, 37),
	declareColour(0xc9a2ff, 95),
	declareColour(0x7fe0f5, 96),
	declareColour(0x4fd1c5, 36),
	declareColour(0xd9b08c, 33),
	declareColour(0xe3cf65, 93),
	declareColour(0xff9d8a, 31),
	declareColour(0x8c9bff, 34),
	declareColour(0xff8fb1, 91),
	declareColour(0x6fb7ff, 94),
	declareColour(0xe08cf0, 35),
];

const ofTags = new Map<string, Colour>([
	[foldTag(HUMAN), green],
	[foldTag(UNTAGGED), grey],
	['SYSTEM', task],
]);

/** FNV-1a from a start at which the tags that are most usual (CLAUDE_1 to CLAUDE_4, CLAUDE_TWIN, REVIEWER) differ. */
const hashStart = 7145;

/** A tag's own colour, from its letters alone: the same at each start and on each machine. */
function tagColour(tag: Tag): Colour {
	const key = foldTag(tag);
	let colour = ofTags.get(key);
	if (colour === undefined) {
		let hash = hashStart;
		for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 16_777_619) >>> 0;
		ofTags.set(key, (colour = tagColours[(hash >>> 8) % tagColours.length] ?? grey));
	}
	return colour;
}

export function tagStyle(tag: Tag): Style {
	return style({fg: tagColour(tag)});
}

export function tagStrong(tag: Tag): Style {
	return style({fg: tagColour(tag), bold: true});
}

/** A tag as a filled chip. */
export function tagChip(tag: Tag): Style {
	return style({fg: ink, bg: tagColour(tag), bold: true});
}
