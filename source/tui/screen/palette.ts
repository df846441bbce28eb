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
	/** Whether it is a colour of text that may be filled, and no mere tint. */
	isFilling(colour: Colour): boolean;
}

/** A colour of the program, and what stands for it on other terminals. */
export interface Declared {
	/** Its value on a dark background. */
	readonly colour: Colour;
	/**
	 * A `structure` is a line or mark, which need not be as clear as text. A `filling` is text on filled colours: black on the
	 * bright ones of a dark terminal, white on the dark ones of a light one. A `tint` has text on it, and is left out where
	 * there are only 16 colours.
	 */
	readonly kind: 'text' | 'structure' | 'filling' | 'tint';
	/** What stands for it where there are only 16 colours; absent: the terminal's own. */
	readonly code?: number;
	/** On a light background; absent: made from it. */
	readonly light?: Colour;
	/** Of a tint, where contrast must be high; absent: as it is. */
	readonly strong?: Colour;
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
	readonly declared: readonly Declared[];
	/** The colour that is meant by a number above 0xffffff: who it belongs to is known to the styles, which colour that is to the theme. */
	readonly named?: (colour: Colour) => Colour;
}

/** Least contrast of text, and of lines and marks. */
function minContrast(strong: boolean): {readonly text: number; readonly structure: number} {
	return strong ? {text: 7, structure: 4.5} : {text: 4.5, structure: 3};
}

export function createPalette({light, strong, own, declared, named = colour => colour}: PaletteOptions): Palette {
	const foregrounds = new Map<Colour, Colour>();
	const least = minContrast(strong);
	const known = new Map(declared.map(each => [each.colour, each]));
	const tints = declared.filter(({kind}) => kind === 'tint').map(({colour}) => colour);
	const valueOf = (colour: Colour): Colour => (colour > maxColour ? named(colour) : colour);

	function background(said: Colour): Colour {
		const colour = valueOf(said);
		const chosen = own.get(colour);
		if (chosen !== undefined) return chosen;
		const tint = known.get(colour);
		if (tint !== undefined && tint.kind !== 'tint') return foreground(colour);
		if (light) return tint?.light ?? mixed(0xffffff, colour, 0.1);
		return (strong ? tint?.strong : undefined) ?? colour;
	}

	function grounds(): Colour[] {
		return [...(light ? lightGrounds : darkGrounds), ...tints.map(background)];
	}

	function foreground(said: Colour): Colour {
		const colour = valueOf(said);
		const chosen = own.get(colour);
		if (chosen !== undefined) return chosen;
		let found = foregrounds.get(colour);
		if (found === undefined) {
			const {kind, light: onLight} = known.get(colour) ?? {};
			// Nothing was said of it but what it is on a dark terminal.
			if ((kind === undefined || kind === 'tint') && !light && !strong) return colour;
			const start = light && kind !== 'tint' ? (onLight ?? colour) : colour;
			// What is written on filled colours stands on none of the grounds.
			const enough = kind === 'structure' ? least.structure : least.text;
			found = kind === 'filling' ? fillText(light) : adapted(start, grounds(), enough);
			foregrounds.set(colour, found);
		}
		return found;
	}

	return {
		foreground,
		background,
		code(said) {
			const code = known.get(valueOf(said))?.code;
			return code === undefined || !light ? code : codeOnLight(code);
		},
		isFilling(said) {
			const kind = known.get(valueOf(said))?.kind;
			return kind !== undefined && kind !== 'tint';
		},
	};
}

/** The brightest of the colours that are values; see `named`. */
const maxColour = 0xffffff;

function fillText(light: boolean): Colour {
	return light ? 0xffffff : 0x000000;
}

/** The bright ones of the 16 are hardly seen on white. */
function codeOnLight(code: number): number {
	if (code === 30) return 97;
	if (code === 37 || code === 97) return 90;
	return code > 90 ? code - 60 : code;
}
