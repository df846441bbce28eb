// The tables of keys in the README and in docs/config.md, made from the keymap. `npm run readme-keys` writes them; the test
// beside says when they differ.
import {readFile, writeFile} from 'node:fs/promises';
import {defaultBindings, type KeyScope} from '../../source/tui/settings/actions.ts';

export const documents = [
	{file: new URL('../../README.md', import.meta.url), mark: 'keys', made: keyTables},
	{file: new URL('../../docs/config.md', import.meta.url), mark: 'actions', made: actionList},
];

/** A document as it stands, and as it should. */
export async function documentWithKeys({file, mark, made}: (typeof documents)[number]): Promise<{
	readonly now: string;
	readonly wanted: string;
}> {
	const now = await readFile(file, 'utf8');
	const place = new RegExp(`(?<=<!-- ${mark}: [^\\n]*-->\\n)[^]*?(?=<!-- end of ${mark} -->)`);
	if (!place.test(now)) throw new Error(`${file.pathname} has no place for the ${mark}.`);
	return {now, wanted: now.replace(place, () => `\n${made()}\n`)};
}

function keyTables(): string {
	return [
		table('Reading', 'read'),
		table('In the tasks pane', 'tasks'),
		table('Writing', 'compose'),
		table('Finding and choosing', 'panel'),
		table('In the timeline', 'timeline'),
	].join('\n');
}

/** Two keys a row. */
function table(title: string, scope: KeyScope): string {
	const cells = defaultBindings
		.filter(binding => binding.scope === scope && binding.help !== '')
		.map(({label, help}) => `${label.split(' ').map(quoted).join(' ')} | ${help}`);
	const rows = Array.from({length: Math.ceil(cells.length / 2)}, (_, row) => {
		return `| ${cells[row]} | ${cells[row + Math.ceil(cells.length / 2)] ?? '|'} |\n`;
	});
	return `| ${title} | | | |\n|---|---|---|---|\n${rows.join('')}`;
}

function actionList(): string {
	const inScope = (scope: KeyScope) =>
		defaultBindings
			.filter(binding => binding.scope === scope)
			.map(({action, keys}) => `\`${action}\` (${keys.map(key => quoted(key === ' ' ? 'space' : key)).join(' ')})`)
			.join(', ');
	const lists = [
		`While reading: ${inScope('read')}.`,
		`In the tasks pane: ${inScope('tasks')}.`,
		`While writing: ${inScope('compose')}.`,
		`In search, filter, palette and pickers: ${inScope('panel')}.`,
		`In the timeline: ${inScope('timeline')}.`,
	];
	return `${lists.join('\n\n')}\n`;
}

function quoted(key: string): string {
	return `\`${key.replace('|', '\\|')}\``;
}

if (import.meta.main) {
	for (const document of documents) await writeFile(document.file, (await documentWithKeys(document)).wanted);
}
