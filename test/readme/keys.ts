// The README's table of keys, made from the keymap. `npm run readme-keys` writes it; the test beside says when it differs.
import {readFile, writeFile} from 'node:fs/promises';
import {usualKeymap, type Place} from '../../source/tui/keymap.ts';

const readme = new URL('../../README.md', import.meta.url);
const marks = /(?<=<!-- keys: `npm run readme-keys` -->\n)[\s\S]*?(?=<!-- end of keys -->)/;

/** The README as it stands, and as it should. */
export async function readmeWithKeys(): Promise<{readonly now: string; readonly wanted: string}> {
	const now = await readFile(readme, 'utf8');
	if (!marks.test(now)) throw new Error('The README has no place for the keys.');
	return {now, wanted: now.replace(marks, () => `\n${tables()}\n`)};
}

function tables(): string {
	return `${table('Reading', 'read')}\n${table('Writing', 'compose')}`;
}

/** Two keys a row. */
function table(title: string, place: Place): string {
	const cells = usualKeymap
		.filter(binding => binding.place === place && binding.help !== '')
		.map(({label, help}) => `${label.split(' ').map(quoted).join(' ')} | ${help}`);
	const rows = Array.from({length: Math.ceil(cells.length / 2)}, (_, row) => {
		return `| ${cells[row]} | ${cells[row + Math.ceil(cells.length / 2)] ?? '|'} |\n`;
	});
	return `| ${title} | | | |\n|---|---|---|---|\n${rows.join('')}`;
}

function quoted(key: string): string {
	return `\`${key.replace('|', '\\|')}\``;
}

if (import.meta.main) await writeFile(readme, (await readmeWithKeys()).wanted);
