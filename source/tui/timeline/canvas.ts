import type {Strip} from '../screen/strip.ts';
import {plain, type Style} from '../screen/style.ts';
import {p, type Printable} from '../../printable.ts';

/** Marks a blank that is part of a text, so that nothing is drawn behind it. */
const solidBlank = p`\u00A0`;
const blank = p` `;

/** Cells to draw on; drawing outside of them does nothing. */
export class Canvas {
	readonly columns: number;
	readonly rows: number;
	readonly #glyphs: Printable[];
	readonly #styles: Style[];

	constructor(columns: number, rows: number) {
		this.columns = columns;
		this.rows = rows;
		this.#glyphs = Array.from<Printable>({length: columns * rows}).fill(blank);
		this.#styles = Array.from<Style>({length: columns * rows}).fill(plain);
	}

	at(x: number, y: number): Printable {
		return this.#isInside(x, y) ? (this.#glyphs[y * this.columns + x] ?? blank) : blank;
	}

	put(x: number, y: number, glyph: Printable, style: Style): void {
		if (!this.#isInside(x, y)) return;
		this.#glyphs[y * this.columns + x] = glyph;
		this.#styles[y * this.columns + x] = style;
	}

	/** Draws only on an empty cell. */
	putBehind(x: number, y: number, glyph: Printable, style: Style): void {
		if (this.at(x, y) === ' ') this.put(x, y, glyph, style);
	}

	/** Draws a line of text, at most `width` cells of it and never half of a wide glyph. */
	lay(x: number, y: number, {glyphs, styles}: Strip, width = glyphs.length): void {
		let end = Math.min(width, glyphs.length);
		if (glyphs[end] === '') end--;
		for (let at = 0; at < end; at++) {
			const glyph = glyphs[at] ?? blank;
			this.put(x + at, y, glyph === ' ' ? solidBlank : glyph, styles[at] ?? plain);
		}
	}

	restyle(x: number, y: number, change: (style: Style) => Style): void {
		if (!this.#isInside(x, y)) return;
		const cell = y * this.columns + x;
		this.#styles[cell] = change(this.#styles[cell] ?? plain);
	}

	row(y: number): Strip {
		const [from, to] = [y * this.columns, (y + 1) * this.columns];
		const glyphs = this.#glyphs.slice(from, to).map(glyph => (glyph === solidBlank ? blank : glyph));
		return {glyphs, styles: this.#styles.slice(from, to)};
	}

	#isInside(x: number, y: number): boolean {
		return x >= 0 && x < this.columns && y >= 0 && y < this.rows;
	}
}
