import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {machine} from './measure.ts';

/** Where what was measured stands. */
export const resultsFile = path.join(import.meta.dirname, 'RESULTS.md');

/** Puts a table of Markdown between two markers of `file`, with the day and the machine above it. Throws where they are missing. */
export function renew(
	file: string,
	begin: string,
	end: string,
	head: readonly string[],
	rows: ReadonlyArray<readonly string[]>,
): void {
	const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
	const table = [
		`${new Date().toISOString().slice(0, 10)}, ${machine()}`,
		'',
		line(head),
		`|${'---|'.repeat(head.length)}`,
		...rows.map(line),
	].join('\n');
	const between = new RegExp(`(?<=<!-- ${begin} -->\\n)[\\s\\S]*(?=\\n<!-- ${end} -->)`);
	const text = readFileSync(file, 'utf8');
	if (!between.test(text)) throw new Error(`${file} has no room between its markers "${begin}" and "${end}"`);
	writeFileSync(
		file,
		text.replace(between, () => table),
	);
}

/** The last cell of a row. */
export function verdict(met: boolean | null): string {
	return met === null ? '' : met ? 'met' : '**missed**';
}
