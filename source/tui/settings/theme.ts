import {foldTag, HUMAN, UNTAGGED, type Tag} from '../../mailbox/tag.ts';
import {declareColour, declareFillText, declareStructure, declareTint} from '../screen/palette.ts';
import {onTint, style, type Colour, type Look, type Style} from '../screen/style.ts';

// Each colour by its value on a dark background, then the one of the 16 that stands for it where there are no more, then
// its value on a light background. Text has the terminal's own colour.
const grey = declareColour(0x99a1ad, 90, 0x565e68);
const faint = declareColour(0x868e9a, 90, 0x646c76);
const rule = declareStructure(0x666d79, 90, 0x8a929c);
const green = declareColour(0x5fd068, 32, 0x1a7f37);
const orange = declareColour(0xf08c3c, 33, 0xa34a00);
const red = declareColour(0xf06a6a, 31, 0xc4232b);
const task = declareColour(0xe5a45a, 33, 0x8a5500);
const code = declareColour(0x9ecbff, 36, 0x0550ae);
const ink = declareFillText(0x101418, 30);
declareColour(onTint, undefined, 0x1f2328);
const linkColour = declareColour(0x6fb7ff, 94, 0x0a5fb5);
const codeText = declareColour(0xc8cfd8, 37, 0x2b3138);

/** Behind the selected message. */
export const selectedTint = declareTint(0x1f2733, 0xdfeaf7, 0x12305c);
/** Behind the header of the pane that has the keys, and of the others. */
export const focusedTint = declareTint(0x17283f, 0xd2e5fb, 0x16305a);
export const headerTint = declareTint(0x151820, 0xf0f2f5);
/** Behind overlays. */
export const overlayTint = declareTint(0x1a1f29, 0xedf0f4);
const codeTint = declareTint(0x1b2430, 0xe7edf4);
/** Behind blocks of code. */
const blockTint = declareTint(0x161c25, 0xf3f5f8);

/** What a pane lets through, as a filled chip. */
export const filterChip: Style = style({fg: ink, bg: code, bold: true});

/** How what was searched for stands out. */
export const markedLook: Look = {fg: ink, bg: declareColour(0xd8b25c, 33, 0x875800)};

/** Every style that the screen knows, by what it means. */
export const theme = {
	text: style({}),
	strong: style({bold: true}),
	grey: style({fg: grey}),
	faint: style({fg: faint}),
	/** Lines between things. */
	rule: style({fg: rule}),
	good: style({fg: green}),
	goodStrong: style({fg: green, bold: true}),
	warn: style({fg: orange}),
	warnStrong: style({fg: orange, bold: true}),
	bad: style({fg: red}),
	badStrong: style({fg: red, bold: true}),
	task: style({fg: task}),
	code: style({fg: code, bg: codeTint}),
	pending: style({fg: grey, italic: true}),
	link: style({fg: linkColour, underline: true}),
	codeBlock: style({fg: codeText, bg: blockTint}),
	codeHead: style({fg: faint, bg: blockTint}),
	codeName: style({fg: grey, bg: blockTint}),
} as const;

/** The parts of code by what they are. */
export const syntax = {
	keyword: style({fg: declareColour(0xc9a2ff, 95, 0x7b3fd4), bg: blockTint}),
	type: style({fg: declareColour(0x7fe0f5, 96, 0x00708a), bg: blockTint}),
	title: style({fg: code, bg: blockTint}),
	string: style({fg: declareColour(0xb9c46a, 33, 0x4f6b00), bg: blockTint}),
	number: style({fg: task, bg: blockTint}),
	comment: style({fg: grey, bg: blockTint, italic: true}),
	added: style({fg: green, bg: blockTint}),
	removed: style({fg: red, bg: blockTint}),
} as const;

// Told apart by eye, on dark and on light; the human's green and the untagged grey are not among them.
export const tagColours: readonly Colour[] = [
	declareColour(0xb9c46a, 33, 0x4f6b00),
	declareColour(0xa9b8cc, 37, 0x44586f),
	declareColour(0xc9a2ff, 95, 0x7b3fd4),
	declareColour(0x7fe0f5, 96, 0x00708a),
	declareColour(0x4fd1c5, 36, 0x007a5e),
	declareColour(0xd9b08c, 33, 0x7d4f26),
	declareColour(0xe3cf65, 93, 0x776000),
	declareColour(0xff9d8a, 31, 0xb8402a),
	declareColour(0x8c9bff, 34, 0x3f4fd6),
	declareColour(0xff8fb1, 91, 0xb92f6b),
	declareColour(0x6fb7ff, 94, 0x0a5fb5),
	declareColour(0xe08cf0, 35, 0x9c2f9e),
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

/** Colours and tints that the human may replace in config.toml, by their names there. */
export const colourNames: {readonly [name: string]: Colour} = {
	grey,
	faint,
	rule,
	good: green,
	warn: orange,
	bad: red,
	task,
	code,
	selected: selectedTint,
	focused: focusedTint,
	header: headerTint,
	overlay: overlayTint,
};

/** Gives a tag a colour of the human's choice. */
export function colourTag(tag: Tag, colour: Colour): void {
	ofTags.set(foldTag(tag), declareColour(colour, 37, colour));
}
