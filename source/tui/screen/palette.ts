import {adapted, mixed} from './contrast.ts';
import type {Colour} from './style.ts';

/**
 * The program says colours by their values on a dark background, in every style and every line that is kept; what the
 * terminal is told instead is looked up when bytes are made, so that a theme costs nothing and can change at any moment.
 */
export interface Palette {
	foreground(colour: Colour): Colour;
	background(colour: Colour): Colour;
	/** The one of the 16 colours that stands for it, as the code of a foreground (30-37, 90-97); absent: the terminal's own. */
	code(colour: Colour): number | undefined;
}

interface Declared {
	readonly code: number | undefined;
	readonly light: Colour | undefined;
}

const declared = new Map<Colour, Declared>();
const tints = new Map<Colour, {readonly light: Colour; readonly strong: Colour}>();
const structures = new Set<Colour>();
const fills = new Set<Colour>();

/**
 * Says what stands for a colour where there are only 16 (undefined: the terminal's own), and on a light background (absent:
 * made from it).
 */
export function declareColour(colour: Colour, code: number | undefined, light?: Colour): Colour {
	declared.set(colour, {code, light});
	return colour;
}

/** A colour of lines and marks, which need not be as clear as text. */
export function declareStructure(colour: Colour, code: number, light?: Colour): Colour {
	structures.add(colour);
	return declareColour(colour, code, light);
}

/** The text on filled colours: black on the bright ones of a dark terminal, white on the dark ones of a light one. */
export function declareFillText(colour: Colour, code: number): Colour {
	fills.add(colour);
	return declareColour(colour, code);
}

/** A background with text on it, on a light terminal and where contrast must be high; it is left out where there are only 16 colours. */
export function declareTint(colour: Colour, light: Colour, strong = colour): Colour {
	tints.set(colour, {light, strong});
	return colour;
}

/** Whether it is a colour of text that may be filled, and no mere tint. */
export function isDeclared(colour: Colour): boolean {
	return declared.has(colour);
}

/** Terminals are black, nearly black, or white; text must be clear on each of them and on every tint. */
const darkGrounds: readonly Colour[] = [0x000000, 0x1e1e1e];
const lightGrounds: readonly Colour[] = [0xffffff, 0xfafafa];

export interface PaletteOptions {
	/** The terminal's background. */
	readonly light: boolean;
	/** Contrast of 7 and more instead of 4.5 (WCAG 2.2, AAA and AA). */
	readonly strong: boolean;
	/** Colours of the human's own, by those that they replace. */
	readonly own: ReadonlyMap<Colour, Colour>;
}

/** Least contrast of text, and of lines and marks. */
function minContrast(strong: boolean): {readonly text: number; readonly structure: number} {
	return strong ? {text: 7, structure: 4.5} : {text: 4.5, structure: 3};
}

export function createPalette({light, strong, own}: PaletteOptions): Palette {
	const foregrounds = new Map<Colour, Colour>();
	const least = minContrast(strong);

	function background(colour: Colour): Colour {
		const chosen = own.get(colour);
		if (chosen !== undefined) return chosen;
		if (declared.has(colour)) return foreground(colour);
		const tint = tints.get(colour);
		if (light) return tint?.light ?? mixed(0xffffff, colour, 0.1);
		return (strong ? tint?.strong : undefined) ?? colour;
	}

	function grounds(): Colour[] {
		return [...(light ? lightGrounds : darkGrounds), ...[...tints.keys()].map(background)];
	}

	function foreground(colour: Colour): Colour {
		const chosen = own.get(colour);
		if (chosen !== undefined) return chosen;
		let found = foregrounds.get(colour);
		if (found === undefined) {
			// Nothing was said of it but what it is on a dark terminal.
			if (!declared.has(colour) && !light && !strong) return colour;
			const start = light ? (declared.get(colour)?.light ?? colour) : colour;
			// What is written on filled colours stands on none of the grounds.
			const enough = structures.has(colour) ? least.structure : least.text;
			found = fills.has(colour) ? fillText(light) : adapted(start, grounds(), enough);
			foregrounds.set(colour, found);
		}
		return found;
	}

	return {
		foreground,
		background,
		code(colour) {
			const code = declared.get(colour)?.code;
			return code === undefined || !light ? code : onLight(code);
		},
	};
}

function fillText(light: boolean): Colour {
	return light ? 0xffffff : 0x000000;
}

/** The bright ones of the 16 are hardly seen on white. */
function onLight(code: number): number {
	if (code === 30) return 97;
	if (code === 37 || code === 97) return 90;
	return code > 90 ? code - 60 : code;
}
