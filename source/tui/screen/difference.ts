import {rowsOf, type Grid, type Run} from './grid.ts';
import {hyperlink, type TerminalColours} from './sgr.ts';
import {lookOf, plain, type Style} from './style.ts';

/** Up to how many equal cells between two changes it is cheaper to rewrite than to jump over. */
const maxBridged = 5;
/** From how many blanks on erasing takes fewer bytes than spaces. */
const minErased = 10;

/**
 * The bytes that turn the grid `before`, which is on the terminal, into `after`. Each changed span is addressed absolutely.
 * Empty if nothing differs. Expects the terminal's attributes to be reset, and resets them. `runs`: where they may differ.
 */
export function difference(
	before: Grid,
	after: Grid,
	colours: TerminalColours,
	runs: readonly Run[] = rowsOf(after),
): string {
	const writer = createWriter(after, colours);
	for (const {y, start: from, end: to} of runs) {
		const row = y * after.columns;
		for (let x = from; x < to;) {
			if (sameCell(before, after, row + x)) {
				x++;
				continue;
			}
			const start = headOf(before, after, row, x);
			let end = x + 1;
			for (let gap = 0, at = end; at < to && gap < maxBridged; at++) {
				if (sameCell(before, after, row + at)) gap++;
				else {
					gap = 0;
					end = at + 1;
				}
			}
			while (end < after.columns && (after.glyphs[row + end] === '' || before.glyphs[row + end] === '')) end++;
			writer.span(y, start, end, hasDoubtful(before, row, start, end));
			x = end;
		}
	}
	return writer.finish();
}

function sameCell(before: Grid, after: Grid, cell: number): boolean {
	return before.glyphs[cell] === after.glyphs[cell] && before.styles[cell] === after.styles[cell];
}

/** The column where the glyph that covers `x` begins, in either grid. */
function headOf(before: Grid, after: Grid, row: number, x: number): number {
	let head = x;
	while (head > 0 && (after.glyphs[row + head] === '' || before.glyphs[row + head] === '')) head--;
	return head;
}

/** Whether terminals may disagree on the glyph's width, as they do on emoji and marks. */
function isDoubtful(glyph: string): boolean {
	if (glyph.length > 1 || glyph === '') return true;
	const code = glyph.charCodeAt(0);
	return (
		code >= 0x250 && !(code >= 0x370 && code < 0x483) && !(code >= 0x2010 && code < 0x25a0) && !singleWidth.has(glyph)
	);
}

/** Signs that we use, which no terminal draws wide. */
const singleWidth = new Set('●◐○◌▌▶▷⤷✓✗');

function hasDoubtful(grid: Grid, row: number, start: number, end: number): boolean {
	for (let x = start; x < end; x++) if (isDoubtful(grid.glyphs[row + x] ?? ' ')) return true;
	return false;
}

function createWriter(grid: Grid, {sgr}: TerminalColours) {
	let bytes = '';
	let pen: Style = plain;

	const moveTo = (y: number, x: number) => {
		bytes += `\u001B[${y + 1};${x + 1}H`;
	};
	const setStyle = (next: Style) => {
		if (next === pen) return;
		bytes += hyperlink(lookOf(pen).link, lookOf(next).link);
		bytes += next === plain ? '\u001B[m' : sgr(next);
		pen = next;
	};

	return {
		/** `stale`: what is there may be wider or narrower than we think, so it is erased first. */
		span(y: number, start: number, end: number, stale: boolean): void {
			const row = y * grid.columns;
			moveTo(y, start);
			if (stale || hasDoubtful(grid, row, start, end)) {
				setStyle(plain);
				bytes += `\u001B[${end - start}X`;
			}
			for (let x = start; x < end;) {
				const glyph = grid.glyphs[row + x] ?? ' ';
				const blank = glyph === ' ' && grid.styles[row + x] === plain ? blankRun(grid, row + x, end - x) : 0;
				if (blank >= minErased) {
					setStyle(plain);
					bytes += `\u001B[${blank}X`;
					x += blank;
					if (x < end) moveTo(y, x);
					continue;
				}
				setStyle(grid.styles[row + x] ?? plain);
				bytes += glyph;
				const next = grid.glyphs[row + x + 1] === '' && x + 1 < grid.columns ? x + 2 : x + 1;
				if ((next === x + 2 || isDoubtful(glyph)) && next < end) moveTo(y, next);
				x = next;
			}
		},
		finish(): string {
			setStyle(plain);
			return bytes;
		},
	};
}

function blankRun(grid: Grid, from: number, max: number): number {
	let count = 0;
	while (count < max && grid.glyphs[from + count] === ' ' && grid.styles[from + count] === plain) count++;
	return count;
}
