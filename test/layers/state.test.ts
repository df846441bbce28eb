import {cp, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {stateless} from './layers.ts';
import {checkState, moduleState} from './state.ts';
import {filesIn, sourceFolder} from './tree.ts';

test('the screen has no state in its modules but where the table says why', () => {
	expect(checkState(filesIn(sourceFolder), stateless, sourceFolder)).toEqual([]);
});

test.each([
	['let latest: object | null = null;', 'latest', 'is a variable'],
	['export let keymap = [1];', 'keymap', 'is a variable'],
	['const known = new Map<string, number>();', 'known', 'begins empty'],
	['export const seen = new Set() as ReadonlySet<string>;', 'seen', 'begins empty'],
	['const list: number[] = [];', 'list', 'begins empty'],
	['const tags = new Map([[1, 2]]);\nexport const learn = () => tags.set(3, 4);', 'tags', 'is changed'],
	['const kept = {count: 0};\nexport function next() { return ++kept.count; }', 'kept', 'is changed'],
	['const kept = {last: {of: 1}};\nexport function keep() { kept.last.of = 2; }', 'kept', 'is changed'],
	["const kept: Record<string, 1> = {a: 1};\nexport const drop = () => delete kept['a'];", 'kept', 'is changed'],
	["import {colours} from './colours.ts';\nexport const add = () => colours.push(1);", 'colours', 'is changed'],
	['export class Clock { static now = 0; }', 'now', 'static property'],
])('%s is state', (code, name, what) => {
	expect(moduleState('tui/planted.ts', code)).toEqual([
		{file: 'tui/planted.ts', rule: expect.stringMatching(`^.${name}. .*${what}`)},
	]);
});

test.each([
	'export const names = [1, 2];\nexport const more = () => names.map(String);',
	'const known = new WeakMap<object, number>();\nexport const keep = (of: object) => known.set(of, 1);',
	'export const table = new Map([[1, 2]]);',
	'export function count() { let sum = 0; const list: number[] = []; list.push(++sum); return list; }',
])('%s is not state', code => {
	expect(moduleState('tui/planted.ts', code)).toEqual([]);
});

test('planted state in the screen is found, and so is an exception that is no longer needed', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'agentmux-state-'));
	onTestFinished(() => rm(folder, {recursive: true}));
	await cp(join(sourceFolder, 'tui/settings'), join(folder, 'tui/settings'), {recursive: true});
	await writeFile(join(folder, 'tui/settings/planted.ts'), 'export let planted = 1;\n');
	const found = checkState(filesIn(folder), {tui: {'tui/settings/theme.ts': 'it had some'}}, folder);
	expect(found.map(({file}) => file)).toEqual(['tui/settings/planted.ts', 'tui/settings/theme.ts']);
});
