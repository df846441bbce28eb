import {execFile} from 'node:child_process';
import {appendFile, cp, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, posix} from 'node:path';
import {promisify} from 'node:util';
import {describe, expect, onTestFinished, test} from 'vitest';
import {check, checkFile} from './check.ts';
import {components} from './graph.ts';
import {layers} from './layers.ts';
import {forms, plant} from './plant.ts';
import {childOf, isWithin, readTree, sourceFolder} from './tree.ts';

const tree = readTree(sourceFolder);
const files = [...tree.imports.keys()];
const parts = Object.entries(layers.parts);

test('source/ follows the table', () => {
	expect(check(tree)).toEqual([]);
});

test('the table of parts has no circle', () => {
	const graph = new Map(
		parts.map(([part, {imports}]) => [part, new Set(imports.filter(each => each in layers.parts))]),
	);
	expect(components(graph).filter(({length}) => length > 1)).toEqual([]);
});

test.each(parts)('%s imports no other part than the table allows, in whatever form', (part, {imports}) => {
	const others = files.filter(file => childOf('', file) !== part);
	const [allowed, forbidden] = split(others, file => imports.some(each => isWithin(file, each)));
	expect(forbidden.length).toBeGreaterThan(0);
	for (const target of onePerPart(forbidden))
		expect(sentences(part, target)).toEqual([expect.stringMatching(`^${part} may import .* from the rest of source/`)]);
	for (const target of onePerPart(allowed)) expect(sentences(part, target)).toEqual([]);
});

test.each(Object.entries(layers.packages))('%s imports no other package, in whatever form', (folder, packages) => {
	const everything = new Set([...Object.values(layers.packages).flat(), 'left-pad']);
	const names = [...everything].map(name => (name === 'node:' ? 'node:os' : name));
	const [allowed, forbidden] = split(names, name =>
		packages.some(each => isWithin(name, each) || (name.startsWith('node:') && each === 'node:')),
	);
	for (const name of forbidden)
		expect(sentences(folder, name)).toEqual([expect.stringMatching(`^${folder} may import (only these|no) packages`)]);
	for (const name of allowed) expect(sentences(folder, name)).toEqual([]);
});

test.each(Object.entries(layers.order))(
	'the subfolders of %s import only what is below, in whatever form',
	(parent, order) => {
		const known = order.flatMap((layer, depth) => [layer].flat().map(folder => ({folder, depth})));
		for (const upper of known)
			for (const lower of known.filter(({folder, depth}) => depth >= upper.depth && folder !== upper.folder)) {
				const [above, below] = [upper.folder, lower.folder].map(folder => posix.join(parent, folder));
				const where = lower.depth > upper.depth ? 'a layer above' : 'the same layer';
				expect(sentences(below ?? '', fileOf(parent, upper.folder))).toEqual([
					expect.stringMatching(`may not import .*, which is in ${where}`),
				]);
				const downward = lower.depth > upper.depth ? sentences(above ?? '', fileOf(parent, lower.folder)) : [];
				expect(downward).toEqual([]);
			}
	},
);

describe('whatever the table says', () => {
	test.each([
		{what: 'an import that is not a string', code: 'await import(`../${name}.ts`);', rule: /must be a string/},
		{
			what: 'a file outside of source/',
			code: "import {plant} from '../../test/layers/plant.ts';",
			rule: /nothing from outside/,
		},
		{
			what: 'a file that is not there',
			code: "import '../store/absent.ts';",
			rule: /There is no source\/store\/absent\.ts/,
		},
		{what: 'a builtin module under its old name', code: "import 'fs';", rule: /packages/},
	])('names $what', ({code: text, rule}) => {
		const file = 'commands/planted.ts';
		expect(checkFile(plant(tree, file, text), file)).toEqual([
			{file, import: expect.objectContaining({line: 1}), rule: expect.stringMatching(rule)},
		]);
	});

	test('names a circle that a dynamic import closes', () => {
		const one = plant(tree, 'commands/one.ts', "import './other.ts';");
		expect(check(plant(one, 'commands/other.ts', "void import('./one.ts');"))).toEqual([
			{file: 'commands/one.ts', rule: 'These import each other in a circle: commands/one.ts, commands/other.ts.'},
		]);
	});

	test.each([
		{file: 'utils/planted.ts', missing: 'utils'},
		{file: 'planted.ts', missing: 'planted.ts'},
		{file: 'tui/planted/planted.ts', missing: 'tui/planted'},
		{file: 'hub/rest/planted/planted.ts', missing: 'hub/rest/planted'},
	])('asks for a line for $missing', ({file, missing}) => {
		expect(check(plant(tree, file, ''))).toContainEqual({
			file,
			rule: `test/layers/layers.ts has no line for ${missing}.`,
		});
	});

	test('reports a line for a folder that does not exist', () => {
		const table = {...layers, packages: {...layers.packages, 'tui/gone': []}};
		expect(check(tree, table)).toEqual([
			{file: 'tui/gone', rule: 'test/layers/layers.ts names it, and it is not there.'},
		]);
	});
});

test('the script names each planted violation and fails', async () => {
	const source = await copyOfSource();
	expect(await run(source)).toEqual({exitCode: 0, errors: []});
	const violations = [
		['mailbox/message.ts', '../store/mailbox-store.ts'],
		['hub/http/http.ts', '../../printable.ts'],
		['store/mailbox-store.ts', '../tui/model/ui.ts'],
		['store/mailbox-store.ts', 'react'],
		['tui/model/ui.ts', '../../hub/process/run.ts'],
		['tui/model/search.ts', '../../hub/process/run.ts'],
	] as const;
	for (const [file, specifier] of violations) await appendFile(join(source, file), `\nvoid import('${specifier}');\n`);
	const {exitCode, errors} = await run(source);
	expect(exitCode).toBe(1);
	for (const [file, specifier] of violations)
		expect(errors).toContainEqual(
			expect.stringMatching(new RegExp(`^source/${file}:\\d+: '${specifier}' \\(dynamic\\): \\w+ may import `)),
		);
});

test('the script takes a folder of many files for an error when asked to', async () => {
	const source = await copyOfSource();
	for (const n of Array(26).keys()) await writeFile(join(source, 'quotation', `planted-${n}.ts`), '');
	expect(await run(source)).toEqual({exitCode: 0, errors: []});
	const {exitCode, errors} = await run(source, '--limit-files');
	expect(exitCode).toBe(1);
	expect(errors).toContainEqual(expect.stringMatching(/^source\/quotation has \d+ files \(at most 25\)\.$/));
});

async function copyOfSource(): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'agentmux-layers-'));
	onTestFinished(() => rm(folder, {recursive: true}));
	await cp(sourceFolder, join(folder, 'source'), {recursive: true});
	return join(folder, 'source');
}

/**
 * What the check says when a file of `folder` imports `target`, a file or a package, in each form: every violation must name the
 * file, the import, its kind and its line, and all must say the same.
 */
function sentences(folder: string, target: string): readonly string[] {
	const file = folder.endsWith('.ts') ? folder : posix.join(folder, 'planted.ts');
	const isFile = tree.imports.has(target);
	const specifier = isFile ? relative(file, target) : target;
	const found = forms.map(({kind, code}) => {
		const violations = checkFile(plant(tree, file, `// Planted.\n${code(specifier)}\n`), file);
		return violations.map(({rule, ...where}) => {
			expect(where).toEqual({file, import: {specifier, resolved: isFile ? target : null, kind, line: 2}});
			return rule;
		});
	});
	const [first = []] = found;
	for (const each of found) expect(each).toEqual(first);
	return first;
}

function relative(file: string, target: string): string {
	const path = posix.relative(posix.dirname(file), target);
	return path.startsWith('.') ? path : `./${path}`;
}

function split<T>(all: readonly T[], isFirst: (each: T) => boolean): [T[], T[]] {
	return [all.filter(isFirst), all.filter(each => !isFirst(each))];
}

function onePerPart(paths: readonly string[]): string[] {
	return [...Map.groupBy(paths, path => childOf('', path)).values()].flatMap(([first]) => first ?? []);
}

function fileOf(parent: string, folder: string): string {
	const found = files.find(file => isWithin(file, parent) && childOf(parent, file) === folder);
	if (found === undefined) throw new Error(`There is no file in ${parent}/${folder}.`);
	return found;
}

async function run(
	source: string,
	...flags: readonly string[]
): Promise<{exitCode: number; errors: readonly string[]}> {
	const script = join(import.meta.dirname, 'run.ts');
	return promisify(execFile)(process.execPath, [script, '--quiet', '--source', source, ...flags]).then(
		() => ({exitCode: 0, errors: []}),
		(error: {code: number; stderr: string}) => ({exitCode: error.code, errors: error.stderr.trim().split('\n')}),
	);
}
