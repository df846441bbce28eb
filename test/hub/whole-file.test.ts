import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';

const module = (path: string): string => JSON.stringify(new URL(`../../source/${path}`, import.meta.url).href);

/** All functions that replace a file of the home; each gets `file`, `folder` and `text`. */
const writers: readonly [string, string][] = [
	['of the hub', `(await import(${module('hub/files/private-file.ts')})).writePrivateFile(file, text)`],
	['of the screen', `(await import(${module('tui/terminal/private-file.ts')})).writePrivate(file, text)`],
	['of the keys that sign', `(await import(${module('signing/key-folder.ts')})).writeKeyFile(file, text)`],
	[
		'of the layout',
		`const {openScreenMemory} = await import(${module('commands/screen/screen-file.ts')});
		const arrangement = {order: [], onScreen: [], hidden: new Set(), pinned: new Set(), moved: new Map(), zoomed: false};
		const recent = {searches: [], commands: []};
		const failed = await (await openScreenMemory(file)).save({arrangement, focus: text, recent, seen: null});
		if (failed !== null) throw new Error(failed)`,
	],
	[
		'of what join edits',
		`await (await import(${module('join/files/file-edit.ts')})).apply({file, before: 'good', after: text, remarks: []})`,
	],
];

test.each(writers)('a write that ends half-way never replaces a good file: the one %s', (_, write) => {
	const folder = mkdtempSync(join(tmpdir(), 'agentmux-whole-'));
	onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
	const file = join(folder, 'state.json');
	writeFileSync(file, 'good', {mode: 0o600});
	const script = `const file = ${JSON.stringify(file)}; const text = 'x'.repeat(20_257);
		try { ${write}; console.log('written'); } catch (error) { console.log('refused'); }`;
	const run = (limit: string): string =>
		spawnSync('bash', ['-c', `${limit} exec "$0" --input-type=module --eval "$1"`, process.execPath, script], {
			encoding: 'utf8',
		}).stdout;
	// 12 blocks of 1024 bytes: the first write takes them, and says so.
	expect(run('ulimit -f 12;')).toBe('refused\n');
	expect(readFileSync(file, 'utf8')).toBe('good');
	expect(readdirSync(folder)).toEqual(['state.json']);
	expect(run('')).toBe('written\n');
	expect(readFileSync(file, 'utf8')).toContain('x'.repeat(20_257));
});

test.each([
	['of a log', `(await import(${module('hub/files/whole-file.ts')})).appendToOwnFile(file, text + '\\n')`],
	['of the screen', `(await import(${module('tui/terminal/private-file.ts')})).appendPrivate(file, text)`],
])('a line that was cut short does not take the next one with it: one %s', (_, append) => {
	const folder = mkdtempSync(join(tmpdir(), 'agentmux-append-'));
	onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
	const file = join(folder, 'lines');
	const run = (text: string, limit = ''): string => {
		const script = `const file = ${JSON.stringify(file)}; const text = ${text};
			try { ${append}; console.log('written'); } catch (error) { console.log('refused'); }`;
		return spawnSync('bash', ['-c', `${limit} exec "$0" --input-type=module --eval "$1"`, process.execPath, script], {
			encoding: 'utf8',
		}).stdout;
	};
	expect(run(`'first'`)).toBe('written\n');
	expect(run(`'x'.repeat(20_257)`, 'ulimit -f 12;')).toBe('refused\n');
	expect(run(`'second'`)).toBe('written\n');
	expect(run(`'third'`)).toBe('written\n');
	const [first, cut = '', ...more] = readFileSync(file, 'utf8').split('\n');
	expect([first, cut.length < 20_257, ...more]).toEqual(['first', true, 'second', 'third', '']);
});
