import {printable, type Printable} from '../../printable.ts';
import {memo} from './memo.ts';
import {appendCells, type Strip} from './strip.ts';
import {lookOf, plain, style, type Look, type Style} from './style.ts';

const escapes = /\u001B(?:\[([0-9;:?<=>]*)([ -/]*[@-~])|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\^_])/gu;

/** One row of a frame that Ink drew, as cells. Only colours and weights (SGR) are read; other sequences are left out. */
export function readRow(row: string): Strip {
	const glyphs: Printable[] = [];
	const styles: Style[] = [];
	let pen: Style = plain;
	let from = 0;
	for (const match of row.matchAll(escapes)) {
		appendCells(glyphs, styles, printable(row.slice(from, match.index)), pen);
		from = match.index + match[0].length;
		if (match[2] === 'm') pen = step(`${pen} ${match[1] ?? ''}`);
	}
	appendCells(glyphs, styles, printable(row.slice(from)), pen);
	return {glyphs, styles};
}

/** The style after a sequence; `pen parameters`. */
const step = memo(5000, (key: string): Style => {
	const [pen = '', parameters = ''] = key.split(' ');
	return style(changed(lookOf(Number(pen)), parameters));
});

type Draft = {-readonly [Key in keyof Look]: Look[Key]};

function changed(look: Look, parameters: string): Look {
	let next: Draft = {...look};
	const codes = parameters.split(/[;:]/).map(Number);
	for (let at = 0; at < codes.length; at++) {
		const code = codes[at] ?? 0;
		if (code === 0) next = {};
		else if (code === 1) next.bold = true;
		else if (code === 2) next.dim = true;
		else if (code === 3) next.italic = true;
		else if (code === 4) next.underline = true;
		else if (code === 7) next.inverse = true;
		else if (code === 9) next.strike = true;
		else if (code === 22) {
			delete next.bold;
			delete next.dim;
		} else if (code === 23) delete next.italic;
		else if (code === 24) delete next.underline;
		else if (code === 27) delete next.inverse;
		else if (code === 29) delete next.strike;
		else if (code === 39) delete next.fg;
		else if (code === 49) delete next.bg;
		else if ((code === 38 || code === 48) && codes[at + 1] === 2) {
			const colour = ((codes[at + 2] ?? 0) << 16) | ((codes[at + 3] ?? 0) << 8) | (codes[at + 4] ?? 0);
			if (code === 38) next.fg = colour;
			else next.bg = colour;
			at += 4;
		}
	}
	return next;
}
