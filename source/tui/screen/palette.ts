import {adapted, mixed} from './contrast.ts';
import type {Colour} from './style.ts';

/**
 * Styles and cached lines name colours by their values on a dark background. The palette maps them to what the terminal gets
 * when bytes are written, so that a theme costs nothing and can change at any moment.
 */
export interface Palette {
	foreground(colour: Colour): Colour;
	background(colour: Colour): Colour;
	/** The nearest of the 16 colours, as the code of a foreground (30-37, 90-97); absent: the terminal's default. */
	code(colour: Colour): number | undefined;
	/** Whether it is a text colour, which can also be a background, rather than a tint. */
	isFilling(colour: Colour): boolean;
}

/** A colour of the program, and its equivalents on other terminals. */
export interface Declared {
	/** Its value on a dark background. */
	readonly colour: Colour;
	/**
	 * A `structure` is a line or mark, which may have less contrast than text. A `filling` is text on filled colours: black on
	 * the bright ones of a dark terminal, white on the dark ones of a light one. A `tint` is a background for text, and is left
	 * out if there are only 16 colours.
	 */
	readonly kind: 'text' | 'structure' | 'filling' | 'tint';
	/** Its code if there are only 16 colours; absent: the terminal's default. */
	readonly code?: number;
	/** Its value on a light background; absent: computed from it. */
	readonly light?: Colour;
	/** The value of a tint in high contrast; absent: the same. */
	readonly strong?: Colour;
}

/** Common backgrounds of terminals. Text must be legible on each of them and on every tint. */
const darkGrounds: readonly Colour[] = [0x000000, 0x1e1e1e];
const lightGrounds: readonly Colour[] = [0xffffff, 0xfafafa];

export interface PaletteOptions {
	/** The terminal's background. */
	readonly light: boolean;
	/** A contrast of at least 7 instead of 4.5 (WCAG 2.2, AAA and AA). */
	readonly strong: boolean;
	/** The human's own colours, by the colour that each replaces. */
	readonly own: ReadonlyMap<Colour, Colour>;
	readonly declared: readonly Declared[];
	/** Resolves a number above 0xffffff, which stands for a tag, to a colour. */
	readonly named?: (colour: Colour) => Colour;
}

/** The minimum contrast of text, and of lines and marks. */
function minContrast(strong: boolean): {readonly text: number; readonly structure: number} {
	return strong ? {text: 7, structure: 4.5} : {text: 4.5, structure: 3};
}

export function createPalette({light, strong, own, declared, named = colour => colour}: PaletteOptions): Palette {
	const foregrounds = new Map<Colour, Colour>();
	const minimum = minContrast(strong);
	const known = new Map(declared.map(each => [each.colour, each]));
	const tints = declared.filter(({kind}) => kind === 'tint').map(({colour}) => colour);
	const valueOf = (colour: Colour): Colour => (colour > maxColour ? named(colour) : colour);

	function background(given: Colour): Colour {
		const colour = valueOf(given);
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

	function foreground(given: Colour): Colour {
		const colour = valueOf(given);
		const chosen = own.get(colour);
		if (chosen !== undefined) return chosen;
		let found = foregrounds.get(colour);
		if (found === undefined) {
			const {kind, light: onLight} = known.get(colour) ?? {};
			// Only its value on a dark terminal was declared.
			if ((kind === undefined || kind === 'tint') && !light && !strong) return colour;
			const start = light && kind !== 'tint' ? (onLight ?? colour) : colour;
			// Text on filled colours is on none of the grounds.
			const enough = kind === 'structure' ? minimum.structure : minimum.text;
			found = kind === 'filling' ? fillText(light) : adapted(start, grounds(), enough);
			foregrounds.set(colour, found);
		}
		return found;
	}

	return {
		foreground,
		background,
		code(given) {
			const code = known.get(valueOf(given))?.code;
			return code === undefined || !light ? code : codeOnLight(code);
		},
		isFilling(given) {
			const kind = known.get(valueOf(given))?.kind;
			return kind !== undefined && kind !== 'tint';
		},
	};
}

/** The largest number that is a colour's value; see `named`. */
const maxColour = 0xffffff;

function fillText(light: boolean): Colour {
	return light ? 0xffffff : 0x000000;
}

/** The bright ones of the 16 colours are hard to see on white. */
function codeOnLight(code: number): number {
	if (code === 30) return 97;
	if (code === 37 || code === 97) return 90;
	return code > 90 ? code - 60 : code;
}
