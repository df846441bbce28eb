import {execFile} from 'node:child_process';
import {cp, mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {promisify} from 'node:util';
import {expect, onTestFinished, test} from 'vitest';
import {folderOf, readTree, sourceFolder} from './tree.ts';

const root = dirname(sourceFolder);
const planted = 'console.log(process.argv[2]!.length);\n';
const folders = [...new Set(readTree(sourceFolder).files.map(folderOf))].map(folder => join('source', folder));

test('console and ! are refused in every folder of source/, and only there', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'agentmux-lint-'));
	onTestFinished(() => rm(folder, {recursive: true}));
	await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
	await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
	for (const each of [...folders, 'test/tui', 'bench/tui', 'docs/pictures']) {
		await mkdir(join(folder, each), {recursive: true});
		await writeFile(join(folder, each, 'planted.ts'), planted);
	}
	const found = await lint(folder);
	const wanted = folders.flatMap(each =>
		['eslint(no-console)', 'typescript(no-non-null-assertion)'].map(rule => `${each}/planted.ts ${rule}`),
	);
	expect(found.toSorted()).toEqual(wanted.toSorted());
});

async function lint(folder: string): Promise<readonly string[]> {
	const oxlint = join(folder, 'node_modules/oxlint/bin/oxlint');
	const output = await promisify(execFile)(process.execPath, [oxlint, '--format', 'json'], {cwd: folder}).then(
		({stdout}) => stdout,
		(error: {stdout: string}) => error.stdout,
	);
	const {diagnostics} = JSON.parse(output) as {diagnostics: ReadonlyArray<{code: string; filename: string}>};
	return diagnostics.map(({code, filename}) => `${filename} ${code}`);
}
