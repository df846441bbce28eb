import {createPalette, type Declared, type Palette} from '../screen/palette.ts';
import {onTint, type Colour} from '../screen/style.ts';
import {defaultTagColours, defaultColourOf, tagColour} from './tag-colour.ts';

const declared = {
	grey: text(0x99a1ad, 90, 0x565e68),
	faint: text(0x868e9a, 90, 0x646c76),
	rule: {...text(0x666d79, 90, 0x8a929c), kind: 'structure'},
	green: text(0x5fd068, 32, 0x1a7f37),
	orange: text(0xf08c3c, 33, 0xa34a00),
	red: text(0xf06a6a, 31, 0xc4232b),
	task: text(0xe5a45a, 33, 0x8a5500),
	code: text(0x9ecbff, 36, 0x0550ae),
	marked: text(0xd8b25c, 33, 0x875800),
	link: text(0x6fb7ff, 94, 0x0a5fb5),
	codeText: text(0xc8cfd8, 37, 0x2b3138),
	keyword: text(0xc9a2ff, 95, 0x7b3fd4),
	type: text(0x7fe0f5, 96, 0x00708a),
	string: text(0xb9c46a, 33, 0x4f6b00),
	/** On filled colours. */
	ink: {kind: 'filling', colour: 0x101418, code: 30},
	/** Text in the terminal's default colour, on a tint. */
	onTint: {kind: 'text', colour: onTint, light: 0x1f2328},
	/** Behind the selected message. */
	selected: tint(0x1f2733, 0xdfeaf7, 0x12305c),
	/** Behind the header of the focused pane, and of the others. */
	focused: tint(0x17283f, 0xd2e5fb, 0x16305a),
	header: tint(0x151820, 0xf0f2f5),
	/** Behind overlays. */
	overlay: tint(0x1a1f29, 0xedf0f4),
	codeTint: tint(0x1b2430, 0xe7edf4),
	/** Behind blocks of code. */
	block: tint(0x161c25, 0xf3f5f8),
} as const satisfies {readonly [name: string]: Declared};

/** The colours with a fixed meaning; those of tags are in tag-colour.ts. */
export const colours = Object.fromEntries(Object.entries(declared).map(([name, {colour}]) => [name, colour])) as {
	readonly [Name in keyof typeof declared]: Colour;
};

function text(colour: Colour, code: number, light: Colour): Declared {
	return {kind: 'text', colour, code, light};
}

function tint(colour: Colour, light: Colour, strong?: Colour): Declared {
	return {kind: 'tint', colour, light, ...(strong !== undefined && {strong})};
}

/** The colours that can be replaced in config.toml, by their names there. */
export const replaceable: {readonly [name: string]: Colour} = {
	grey: colours.grey,
	faint: colours.faint,
	rule: colours.rule,
	good: colours.green,
	warn: colours.orange,
	bad: colours.red,
	task: colours.task,
	code: colours.code,
	selected: colours.selected,
	focused: colours.focused,
	header: colours.header,
	overlay: colours.overlay,
};

interface ThemeOptions {
	/** The terminal's background. */
	readonly light?: boolean;
	/** High contrast. */
	readonly strong?: boolean;
	/** The human's own colours, by the colour that each replaces, and by tag. */
	readonly own?: ReadonlyMap<Colour, Colour>;
	readonly tags?: ReadonlyMap<string, Colour>;
}

/** The program's colours on such a terminal. */
export function paletteOf({
	light = false,
	strong = false,
	own = new Map(),
	tags = new Map(),
}: ThemeOptions = {}): Palette {
	const chosen = new Map([...tags].map(([tag, colour]) => [tagColour(tag), colour]));
	return createPalette({
		light,
		strong,
		own,
		declared: [
			...[...tags.values()].map(colour => text(colour, 37, colour)),
			...defaultTagColours,
			...Object.values(declared),
		],
		named: colour => chosen.get(colour) ?? defaultColourOf(colour, colours),
	});
}
