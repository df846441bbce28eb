import {joinPrintable, p, type Printable} from '../../printable.ts';
import type {Palette} from './palette.ts';
import {lookOf, type Colour, type Depth, type Style} from './style.ts';

/** The escape sequences for one terminal's number of colours and the current palette. */
export interface TerminalColours {
	/** The escape sequence that sets a style, whatever was set before. */
	readonly sgr: (of: Style) => string;
	/** Switches to another palette; the terminal must then be redrawn. */
	readonly setPalette: (palette: Palette) => void;
}

export function createTerminalColours(depth: Depth, palette: Palette): TerminalColours {
	let current = palette;
	let sequences: string[] = [];
	return {
		sgr: of => (sequences[of] ??= sequenceOf(of, depth, current)),
		setPalette(next) {
			current = next;
			sequences = [];
		},
	};
}

const endOfLink = '\u001B]8;;\u001B\\';

/**
 * The OSC 8 sequence that changes the current hyperlink from `from` to `to`; undefined: none. The id makes a link that is
 * broken across lines one link. (https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda)
 */
export function hyperlink(from: string | undefined, to: string | undefined): string {
	if (from === to) return '';
	return to === undefined ? endOfLink : `\u001B]8;id=${idOf(to)};${to}\u001B\\`;
}

/** FNV-1a of the address, so that the same address is the same link without a table. */
function idOf(uri: string): string {
	let hash = 2_166_136_261;
	for (let at = 0; at < uri.length; at++) hash = Math.imul(hash ^ uri.charCodeAt(at), 16_777_619) >>> 0;
	return hash.toString(36);
}

function sequenceOf(of: Style, depth: Depth, colours: Palette): Printable {
	const {fg, bg, bold, dim, italic, underline, inverse, strike} = lookOf(of);
	const codes: number[] = [0];
	if (bold === true) codes.push(1);
	if (dim === true) codes.push(2);
	if (italic === true) codes.push(3);
	if (underline === true) codes.push(4);
	// Without colours, a filled chip is inverted, and a tint is left out.
	const chip = bg !== undefined && colours.isFilling(bg);
	if (inverse === true || (depth === 1 && chip)) codes.push(7);
	if (strike === true) codes.push(9);
	if (fg !== undefined) codes.push(...foreground(fg, depth, colours));
	if (bg !== undefined) codes.push(...background(bg, depth, colours));
	return p`\u001B[${joinPrintable(
		codes.map(code => p`${code}`),
		';',
	)}m`;
}

function foreground(colour: Colour, depth: Depth, colours: Palette): number[] {
	if (depth === 1) return [];
	if (depth === 4) {
		const code = colours.code(colour);
		return code === undefined ? [] : [code];
	}
	return [38, ...extended(colours.foreground(colour), depth)];
}

function background(colour: Colour, depth: Depth, colours: Palette): number[] {
	if (depth === 1) return [];
	if (depth === 4) {
		const code = colours.code(colour);
		return code === undefined ? [] : [code + 10];
	}
	return [48, ...extended(colours.background(colour), depth)];
}

function extended(colour: Colour, depth: 8 | 24): number[] {
	const red = colour >> 16;
	const green = (colour >> 8) & 0xff;
	const blue = colour & 0xff;
	return depth === 24 ? [2, red, green, blue] : [5, nearestOf256(red, green, blue)];
}

/** The nearest of xterm's 256 colours: the ramp of 24 greys for near-greys, the 6 x 6 x 6 cube for the rest. */
function nearestOf256(red: number, green: number, blue: number): number {
	const brightest = Math.max(red, green, blue);
	if (brightest - Math.min(red, green, blue) < 16) {
		const grey = Math.round(((red + green + blue) / 3 - 8) / 10);
		return grey < 0 ? 16 : grey > 23 ? 231 : 232 + grey;
	}
	const [r, g, b] = [red, green, blue].map(part => (part < 48 ? 0 : part < 115 ? 1 : Math.floor((part - 35) / 40)));
	return 16 + 36 * (r ?? 0) + 6 * (g ?? 0) + (b ?? 0);
}
