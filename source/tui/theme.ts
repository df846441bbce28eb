import {foldTag, HUMAN, UNTAGGED, type Tag} from '../mailbox/tag.ts';
import {declareColour} from './screen/sgr.ts';
import {style, type Colour, type Style} from './screen/style.ts';

// Each colour with the one of the 16 that stands for it where there are no more. Text has the terminal's own colour.
const grey = declareColour(0x7a828e, 90);
const faint = declareColour(0x4a515c, 90);
const green = declareColour(0x5fd068, 32);
const orange = declareColour(0xf08c3c, 33);
const red = declareColour(0xf05a5a, 31);
const task = declareColour(0xe5a45a, 33);
const code = declareColour(0x9ecbff, 36);
const ink = declareColour(0x101418, 30);

/** Behind the selected message. */
export const selectedTint: Colour = 0x1f2733;
/** Behind the header of the pane that has the keys, and of the others. */
export const focusedTint: Colour = 0x17283f;
export const headerTint: Colour = 0x151820;
/** Behind overlays. */
export const overlayTint: Colour = 0x1a1f29;

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
} as const;

// Told apart in a terminal by eye, on dark and on light; the human's green and the untagged grey are not among them.
const tagColours: readonly Colour[] = [
	declareColour(0x6fb7ff, 94),
	declareColour(0xc9a2ff, 95),
	declareColour(0xf2a65a, 33),
	declareColour(0x4fd1c5, 36),
	declareColour(0xff8fb1, 91),
	declareColour(0xd8c45a, 93),
	declareColour(0x8fa8ff, 34),
	declareColour(0xe08cf0, 35),
	declareColour(0xff9d7a, 31),
];

const known = new Map<string, Colour>();
const taken = new Set<Colour>();

/** A tag's own colour: the same each time, from its letters; the next free one when two would look alike. */
export function tagColour(tag: Tag): Colour {
	const key = foldTag(tag);
	let colour = known.get(key);
	if (colour === undefined) {
		colour = key === foldTag(HUMAN) ? green : key === foldTag(UNTAGGED) ? grey : key === 'SYSTEM' ? task : chosen(key);
		known.set(key, colour);
	}
	return colour;
}

function chosen(key: string): Colour {
	let hash = 5381;
	for (let at = 0; at < key.length; at++) hash = (hash * 33 + key.charCodeAt(at)) % 1_000_003;
	for (let step = 0; step < tagColours.length; step++) {
		const colour = tagColours[(hash + step) % tagColours.length] ?? grey;
		if (!taken.has(colour)) {
			taken.add(colour);
			return colour;
		}
	}
	return tagColours[hash % tagColours.length] ?? grey;
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
