import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {machine} from './measure.ts';

/** Where what was measured stands. */
export const resultsFile = path.join(import.meta.dirname, 'RESULTS.md');

/**
 * Puts a table of Markdown between two markers of `file`, with the day and the machine above it. Throws where they are missing.
 * `key`: a row replaces the one whose first `key` cells are the same, and all others stay; without it, the table has only `rows`.
 */
export function renew(
	file: string,
	begin: string,
	end: string,
	head: readonly string[],
	rows: ReadonlyArray<readonly string[]>,
	key?: number,
): void {
	const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
	const between = new RegExp(`(?<=<!-- ${begin} -->\\n)[\\s\\S]*(?=\\n<!-- ${end} -->)`);
	const text = readFileSync(file, 'utf8');
	const [former] = between.exec(text) ?? [];
	if (former === undefined) throw new Error(`${file} has no room between its markers "${begin}" and "${end}"`);
	const all = key === undefined ? rows.map(line) : former.split('\n').slice(4);
	for (const row of key === undefined ? [] : rows) {
		const same = line(row.slice(0, key)).slice(0, -1);
		const place = all.findIndex(each => each.startsWith(same));
		all.splice(place === -1 ? all.length : place, place === -1 ? 0 : 1, line(row));
	}
	const table = [
		`${new Date().toISOString().slice(0, 10)}, ${machine()}`,
		'',
		line(head),
		`|${'---|'.repeat(head.length)}`,
		...all,
	].join('\n');
	writeFileSync(
		file,
		text.replace(between, () => table),
	);
}

/** How much worse than recorded a ratio may be. */
const leeway = 1.2;

/**
 * Compares figures with the rows of the same names between two markers of `file`, by their ratios to the floors of their own runs:
 * machines differ, ratios hardly. Returns a sentence for each that is worse by more than a fifth, or that is not recorded.
 */
export function worseThanRecorded(
	file: string,
	begin: string,
	end: string,
	figures: ReadonlyArray<{readonly what: string; readonly measured: string}>,
): string[] {
	const text = readFileSync(file, 'utf8');
	const between = text.slice(text.indexOf(`<!-- ${begin} -->`), text.indexOf(`<!-- ${end} -->`));
	const recorded = new Map(between.split('\n').map(row => [row.slice(2).split(' | ')[0] ?? '', ratioIn(row)]));
	return figures.flatMap(({what, measured}) => {
		const ratio = ratioIn(measured);
		if (ratio === null) return [];
		const former = recorded.get(what) ?? null;
		if (former === null) return [`${what}: not recorded; npm run bench -- NAME --write records it`];
		return ratio > former * leeway ? [`${what}: ${ratio} × floor, recorded ${former}`] : [];
	});
}

/** The number in "= 1.88 × floor". */
function ratioIn(text: string): number | null {
	const [, digits] = /= ([\d.]+) × floor/.exec(text) ?? [];
	return digits === undefined ? null : Number(digits);
}

/** The last cell of a row. */
export function verdict(met: boolean | null): string {
	return met === null ? '' : met ? 'met' : '**missed**';
}
