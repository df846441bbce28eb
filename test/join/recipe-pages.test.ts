import {execFile} from 'node:child_process';
import {chmod, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {delimiter, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {recipeNames} from '../../source/join/files/recipe-file.ts';
import {cli, Home} from '../helpers/program.ts';

const recipes = fileURLToPath(new URL('../../recipes', import.meta.url));

let home: Home;
let bin: string;
beforeAll(async () => {
	home = await Home.make();
	bin = join(home.path, 'bin');
	await mkdir(bin);
	const program = join(bin, 'agentmux');
	await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
	await chmod(program, 0o755);
});
afterAll(() => home.dispose());

/** What a page tells its reader to run, in its order. */
async function commandsOf(recipe: string): Promise<string[]> {
	const page = await readFile(join(recipes, recipe, 'README.md'), 'utf8');
	return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);
}

test.each(await recipeNames(recipes))(
	'what the page of %s says runs as it stands in a fresh home, and is undone by its last command',
	async recipe => {
		const own = await mkdtemp(join(home.path, 'fresh-'));
		const env = {
			...home.env(),
			HOME: own,
			PATH: `${bin}${delimiter}${process.env['PATH']}`,
			GIT_AUTHOR_NAME: 'x',
			GIT_AUTHOR_EMAIL: 'x@example.org',
			GIT_COMMITTER_NAME: 'x',
			GIT_COMMITTER_EMAIL: 'x@example.org',
		};
		const run = (commands: string) => promisify(execFile)('bash', ['-euc', commands], {cwd: own, env});
		const [set = '', ...more] = await commandsOf(recipe);
		expect(set).toContain(`agentmux join --recipe ${recipe} `);
		const {stdout} = await run(set);
		const started = [...stdout.matchAll(/^ {2}cd (\S+) && (claude|codex)$/gm)].map(([, folder = '']) => folder);
		expect(started.length).toBeGreaterThan(1);
		const undo = /To undo all of this:\n {2}.*? (leave .*)\n/.exec(stdout)?.[1];
		const last = more.pop() ?? '';
		expect(last.replaceAll('~', own)).toContain(`agentmux ${undo}`);
		for (const commands of more) await run(commands);
		await run(last);
		const {stdout: left} = await run('agentmux agents folders');
		expect(left).not.toContain(own);
		await rm(own, {recursive: true});
	},
);
