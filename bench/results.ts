import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {machine} from './measure.ts';

/** Puts a table of Markdown between two markers of RESULTS.md, with the day and the machine above it. Throws where they are missing. */
export function renew(
	begin: string,
	end: string,
	head: readonly string[],
	rows: ReadonlyArray<readonly string[]>,
): void {
	const file = path.join(import.meta.dirname, 'RESULTS.md');
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
	if (!between.test(text)) throw new Error(`RESULTS.md has no room between its markers "${begin}" and "${end}"`);
	writeFileSync(
		file,
		text.replace(between, () => table),
	);
}

/** The last cell of a row. */
export function verdict(met: boolean | null): string {
	return met === null ? '' : met ? 'met' : '**missed**';
}
