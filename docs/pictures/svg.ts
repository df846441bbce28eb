import type {DrawnCell} from '../../test/helpers/terminal.ts';

/** Pixels of a cell: letters of 15 pixels are 0.6 of that wide in nearly every monospace font. */
const cell = {width: 9, height: 19, size: 15, baseline: 14.5};
const fonts =
	"ui-monospace,'SF Mono',Menlo,'DejaVu Sans Mono','Cascadia Mono',Consolas,'Liberation Mono','Noto Sans Mono CJK JP',monospace";

/** What the terminal itself paints with. */
export interface Ground {
	readonly ink: string;
	readonly paper: string;
}

/**
 * The screen as an SVG: one rectangle for each stretch of a background, one text for each stretch of letters that look
 * alike, held to its cells whatever font there is; lines and blocks are drawn, so that they meet. Pure.
 */
export function svgOf(rows: ReadonlyArray<readonly DrawnCell[]>, ground: Ground, title: string): string {
	const classes = new Map<string, string>();
	const classOf = (rule: string): string => {
		const known = classes.get(rule) ?? `c${classes.size}`;
		classes.set(rule, known);
		return known;
	};
	const fill = (colour: string) => `class="${classOf(`fill:${colour}`)}"`;
	const parts: string[] = [];
	for (const [y, row] of rows.entries()) {
		for (const {from, to, cells} of stretches(row, each => each.ground ?? ground.paper)) {
			const colour = cells[0]?.ground ?? null;
			if (colour !== null && colour !== ground.paper) parts.push(box(from, y, to - from, 1, fill(colour)));
		}
	}
	for (const [y, row] of rows.entries()) {
		for (const {from, to, cells} of stretches(row, lookOf)) {
			const [first] = cells;
			if (first === undefined) continue;
			const ink = fill(first.ink ?? ground.ink);
			if (first.underline) parts.push(box(from, y + (cell.height - 3) / cell.height, to - from, 1 / cell.height, ink));
			if (first.struck) parts.push(box(from, y + 9 / cell.height, to - from, 1 / cell.height, ink));
			const letters = classOf(
				`fill:${first.ink ?? ground.ink}${first.bold ? ';font-weight:bold' : ''}${first.italic ? ';font-style:italic' : ''}${first.dim ? ';opacity:.6' : ''}`,
			);
			for (const piece of piecesOf(cells, from)) {
				if (piece.kind === 'text') parts.push(text(piece, y, letters));
				else parts.push(...linesOf(piece.glyph, piece.x, piece.width, y, ink));
			}
		}
	}
	const [width, height] = [(rows[0]?.length ?? 0) * cell.width, rows.length * cell.height];
	const style = [...classes].map(([rule, name]) => `.${name}{${rule}}`).join('');
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${fonts}" font-size="${cell.size}" xml:space="preserve">`,
		`<title>${escaped(title)}</title><style>${style}</style><rect width="${width}" height="${height}" rx="4" fill="${ground.paper}"/>`,
		...parts,
		'</svg>\n',
	].join('\n');
}

interface Stretch {
	readonly from: number;
	readonly to: number;
	readonly cells: readonly DrawnCell[];
}

/** Neighbours that are alike; the second half of a wide letter goes with the first. */
function stretches(row: readonly DrawnCell[], of: (cell: DrawnCell) => string): Stretch[] {
	const found: Array<{from: number; to: number; cells: DrawnCell[]; key: string}> = [];
	for (const [x, each] of row.entries()) {
		const last = found.at(-1);
		if (last !== undefined && (each.width === 0 || of(each) === last.key)) {
			last.to = x + 1;
			last.cells.push(each);
		} else {
			found.push({from: x, to: x + 1, cells: [each], key: of(each)});
		}
	}
	return found;
}

function lookOf({ink, bold, italic, dim, underline, struck}: DrawnCell): string {
	return [ink, bold, italic, dim, underline, struck].join();
}

type Piece =
	| {readonly kind: 'text'; readonly text: string; readonly x: number; readonly width: number; readonly alone: boolean}
	| {readonly kind: 'line'; readonly glyph: string; readonly x: number; readonly width: number};

/** Words and single spaces between them together; what comes from another font, and what is drawn, by itself. */
function piecesOf(cells: readonly DrawnCell[], from: number): Piece[] {
	const pieces: Piece[] = [];
	let word = '';
	let begin = from;
	const close = (x: number): void => {
		const text = word.trimEnd();
		if (text !== '') pieces.push({kind: 'text', text, x: begin, width: text.length, alone: false});
		word = '';
		begin = x;
	};
	for (const [index, {glyph, width}] of cells.entries()) {
		const x = from + index;
		if (width === 0) continue;
		const last = pieces.at(-1);
		if (glyph === '' || glyph === ' ') {
			if (word === '' || word.endsWith(' ')) close(x + 1);
			else word += ' ';
		} else if (isDrawn(glyph)) {
			close(x);
			if (last?.kind === 'line' && last.glyph === glyph && last.x + last.width === x && isAlong(glyph)) {
				pieces[pieces.length - 1] = {...last, width: last.width + 1};
			} else {
				pieces.push({kind: 'line', glyph, x, width: 1});
			}
			begin = x + 1;
		} else if (/^[\u0021-\u007E\u00A0-\u024F]$/.test(glyph)) {
			if (word === '') begin = x;
			word += glyph;
		} else {
			close(x);
			pieces.push({kind: 'text', text: glyph, x, width, alone: true});
			begin = x + width;
		}
	}
	close(from + cells.length);
	return pieces;
}

function text({text, x, width, alone}: Extract<Piece, {kind: 'text'}>, y: number, look: string): string {
	const top = number(y * cell.height + cell.baseline);
	if (alone) {
		const middle = number((x + width / 2) * cell.width);
		return `<text x="${middle}" y="${top}" text-anchor="middle" class="${look}">${escaped(text)}</text>`;
	}
	const length = text.length > 1 ? ` textLength="${number(width * cell.width)}" lengthAdjust="spacingAndGlyphs"` : '';
	return `<text x="${number(x * cell.width)}" y="${top}"${length} class="${look}">${escaped(text)}</text>`;
}

/** Parts of a cell (from its left, top; width, height) that a glyph fills. */
const blocks: {readonly [glyph: string]: readonly [x: number, y: number, width: number, height: number]} = {
	'▌': [0, 0, 0.5, 1],
	'▏': [0, 0, 0.125, 1],
	'█': [0, 0, 1, 1],
	...Object.fromEntries(
		['▁', '▂', '▃', '▄', '▅', '▆', '▇'].map((glyph, at) => [glyph, [0, 1 - (at + 1) / 8, 1, (at + 1) / 8]]),
	),
};
const shades: {readonly [glyph: string]: number} = {'░': 0.25, '▒': 0.5, '▓': 0.75};
/** Which ways a line goes from the middle of its cell, how thick it is, and how it is broken up. */
const lines: {readonly [glyph: string]: {readonly ways: string; readonly thick?: number; readonly dashes?: number}} = {
	'─': {ways: 'lr'},
	'━': {ways: 'lr', thick: 3},
	'┄': {ways: 'lr', dashes: 3},
	'┈': {ways: 'lr', dashes: 4},
	'╌': {ways: 'lr', dashes: 2},
	'│': {ways: 'ud'},
	'┃': {ways: 'ud', thick: 3},
	'┊': {ways: 'ud', dashes: 4},
	'╷': {ways: 'd'},
	'├': {ways: 'udr'},
	'└': {ways: 'ur'},
};

function isDrawn(glyph: string): boolean {
	return glyph in blocks || glyph in shades || glyph in lines;
}

/** Whether neighbours are one longer shape. */
function isAlong(glyph: string): boolean {
	return glyph in shades || glyph === '█' || (lines[glyph]?.ways === 'lr' && lines[glyph].dashes === undefined);
}

function linesOf(glyph: string, x: number, width: number, y: number, ink: string): string[] {
	const block = blocks[glyph];
	if (block !== undefined) return [box(x + block[0], y + block[1], width - 1 + block[2], block[3], ink)];
	const shade = shades[glyph];
	if (shade !== undefined) return [box(x, y, width, 1, `${ink} opacity="${shade}"`)];
	const {ways = '', thick = 1, dashes = 1} = lines[glyph] ?? {};
	const [across, down] = [thick / cell.width, thick / cell.height];
	const [middle, centre] = [0.5 - across / 2, 0.5 - down / 2];
	const boxes: string[] = [];
	for (let dash = 0; dash < dashes; dash++) {
		const [from, part] = [dash / dashes, dashes === 1 ? 1 : 0.5 / dashes];
		if (ways === 'lr')
			boxes.push(box(x + (dashes === 1 ? 0 : from), y + centre, dashes === 1 ? width : part, down, ink));
		if (ways === 'ud') boxes.push(box(x + middle, y + from, across, part, ink));
	}
	if (ways === 'd') boxes.push(box(x + middle, y + 0.5, across, 0.5, ink));
	if (ways === 'udr') boxes.push(box(x + middle, y, across, 1, ink));
	if (ways === 'ur') boxes.push(box(x + middle, y, across, 0.5 + down / 2, ink));
	if (ways.length > 1 && ways.endsWith('r') && ways !== 'lr') boxes.push(box(x + 0.5, y + centre, 0.5, down, ink));
	return boxes;
}

/** In cells. */
function box(x: number, y: number, width: number, height: number, rest: string): string {
	const [left, top, wide, high] = [x * cell.width, y * cell.height, width * cell.width, height * cell.height].map(
		number,
	);
	return `<rect x="${left}" y="${top}" width="${wide}" height="${high}" ${rest}/>`;
}

function number(value: number): number {
	return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
