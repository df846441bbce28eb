import {chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {isDeepStrictEqual} from 'node:util';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn} from '../helpers/terminal.ts';

const recipes = fileURLToPath(new URL('../../recipes', import.meta.url));
const joining = ['join', '--recipe', 'planner-executor'];
const leaving = ['leave', '--recipe', 'planner-executor'];

let home: Home;
/** Of each test its own, with a space and an emoji in its name. Where a folder is gone, its tag is free again. */
let root: string;
beforeAll(async () => {
	home = await Home.make();
});
afterAll(() => home.dispose());
beforeEach(async () => {
	root = await mkdtemp(join(home.path, 'my agents 🙂 '));
});
afterEach(() => rm(root, {recursive: true, force: true}));

/** Every file below the root with what it holds. */
async function all(): Promise<Record<string, string>> {
	const entries = await readdir(root, {recursive: true, withFileTypes: true});
	const files = entries.filter(entry => entry.isFile()).map(({parentPath, name}) => join(parentPath, name));
	const texts = await Promise.all(files.map(file => readFile(file, 'utf8')));
	return Object.fromEntries(files.map((file, index) => [file.slice(root.length + 1), texts[index] ?? '']));
}

async function agents(): Promise<Pick<Agent, 'tag' | 'role' | 'presence'>[]> {
	const rows = await home.json<Agent[]>(['agents']);
	return rows.map(({tag, role, presence}) => ({tag, role, presence}));
}

/** How it ends, and whether the root holds another thing than before. */
async function tried(args: string[]): Promise<object> {
	const before = [await all(), await readdir(root)];
	const {code, stdout, stderr} = await home.run(args, {cwd: root});
	return {code, stdout, stderr, changed: !isDeepStrictEqual(before, [await all(), await readdir(root)])};
}

/** One sentence on stderr, and nothing else. */
function refusal(sentence: string, code = 1): object {
	const words = sentence.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
	return {code, stdout: '', stderr: expect.stringMatching(`^agentmux: [^\\n]*${words}[^\\n]*\\n$`), changed: false};
}

test('--print shows all of it, and touches nothing', async () => {
	const {code, stdout, stderr} = await home.run([...joining, '--dir', root, '--print']);
	expect({code, stderr}).toEqual({code: 0, stderr: ''});
	for (const folder of ['planner', 'executor']) {
		for (const file of ['.mcp.json', '.claude/settings.local.json', 'CLAUDE.local.md']) {
			expect(stdout).toContain(`${join(root, folder, file)} (new)`);
		}
	}
	expect(stdout).toContain('+- When you start, or are woken: call claim_task with queue "executor"');
	expect(stdout).toMatch(
		/data\/agents\/PLANNER\.json and .*data\/agents\/EXECUTOR\.json \(mode 0600\): their hooks read/,
	);
	expect(await readdir(root)).toEqual([]);
	expect((await readdir(home.path)).filter(name => !name.startsWith('my agents')).sort()).toEqual(['cache', 'data']);
	// The database was there before.
	expect(await readdir(join(home.path, 'data'))).toEqual(['pg']);
});

test('the folder that will contain theirs is created', async () => {
	const within = join(root, 'new/agents');
	await home.output([...joining, '--dir', within, '--tags', 'MADE_1,MADE_2']);
	expect(await readdir(within)).toEqual(['executor', 'planner']);
	await home.output([...leaving, '--dir', within, '--tags', 'MADE_1,MADE_2']);
	expect(await readdir(within)).toEqual([]);
	await home.output(['agents', 'forget', 'MADE_1']);
	await home.output(['agents', 'forget', 'MADE_2']);
});

test('one command sets up all agents, says what to do next, and is idempotent', async () => {
	const said = await home.output([...joining, '--dir', root]);
	expect(said).toMatch(
		/^planner-executor: one agent turns a goal into a plan, another carries it out step by step; .*\n/,
	);
	expect(said).toContain(`PLANNER has joined in ${root}/planner`);
	expect(said).toContain(`  cd '${root}/executor' && claude\n    (nothing: mail wakes it)\n`);
	expect(said).toContain(`  ${join(recipes, 'planner-executor/README.md')}\n`);
	expect(await agents()).toEqual([
		{tag: 'PLANNER', presence: 'away', role: 'makes plans of goals and follows them; EXECUTOR carries them out'},
		{tag: 'EXECUTOR', presence: 'away', role: 'carries out the plans of PLANNER, one step at a time'},
	]);
	const written = await all();
	expect(Object.keys(written)).toHaveLength(6);
	expect(written['planner/.mcp.json']).toContain('"PLANNER"');
	expect(written['executor/.claude/settings.local.json']).toContain('agentmux-hook Stop');
	expect(written['executor/CLAUDE.local.md']).toMatch(
		/^<!-- agentmux: begin EXECUTOR [^]*\n\n### EXECUTOR in the recipe planner-executor\n\n[^]*<!-- agentmux: end -->\n$/,
	);
	expect(await home.output(joining, {cwd: root})).toContain('PLANNER had already joined in');
	expect(await all()).toEqual(written);
});

test('leave takes all of it out again, and what was there before is as it was', async () => {
	await mkdir(join(root, 'executor/.claude'), {recursive: true});
	await writeFile(join(root, 'executor/CLAUDE.local.md'), '# Mine\n');
	await writeFile(join(root, 'executor/.claude/settings.local.json'), '{ "model": "x" }');
	const before = await all();
	await home.output([...joining, '--dir', root]);
	expect((await all())['executor/CLAUDE.local.md']).toMatch(/^# Mine\n\n<!-- agentmux: begin EXECUTOR/);
	const said = await home.output(leaving, {cwd: root});
	expect(said).toContain(`PLANNER has left ${root}/planner.`);
	expect(await all()).toEqual(before);
	expect(await readdir(root)).toEqual(['executor']);
	expect((await agents()).map(({presence}) => presence)).toEqual(['away', 'away']);
	const again = await home.run(leaving, {cwd: root});
	expect(again).toMatchObject({code: 1, stdout: ''});
	expect(again.stderr).toMatch(
		/^agentmux: PLANNER has not joined in .*\nagentmux: EXECUTOR has not joined in .*; nothing was changed\. .*\n$/,
	);
});

test('other tags take the place of the recipe’s own everywhere, and in what it says how to undo it', async () => {
	const said = await home.output([...joining, '--dir', root, '--tags', 'Plan_1, @EXEC-2']);
	expect(said).toContain('Make a plan for EXEC-2');
	const written = await all();
	expect(Object.values(written).join('')).not.toMatch(/PLANNER|EXECUTOR/);
	expect(written['planner/CLAUDE.local.md']).toContain('EXEC-2, an agent in another terminal, carries it out');
	const wrong = await home.run([...leaving, '--dir', root]);
	expect(wrong).toMatchObject({code: 1, stdout: ''});
	expect(wrong.stderr).toContain(`PLANNER has not joined in ${root}/planner (Plan_1 has); nothing was changed.`);
	expect(await all()).toEqual(written);
	const [, dir = '', tags = ''] = /leave --recipe planner-executor --dir '([^']+)' --tags (\S+)\n/.exec(said) ?? [];
	await home.output([...leaving, '--dir', dir, '--tags', tags]);
	expect(await readdir(root)).toEqual([]);
});

test('one folder per agent can be given, in the order of the recipe', async () => {
	await Promise.all(['one', 'two'].map(name => mkdir(join(root, name))));
	const said = await home.output([...joining, '--dir', 'two', '--dir', 'one'], {cwd: root});
	expect(said).toContain(`PLANNER has joined in ${root}/two`);
	expect(await readdir(root)).toEqual(['one', 'two']);
	expect((await all())['one/.mcp.json']).toContain('"EXECUTOR"');
	await home.output([...leaving, '--dir', 'two', '--dir', 'one'], {cwd: root});
	expect(await all()).toEqual({});
	expect(await readdir(root)).toEqual(['one', 'two']);
});

test("a user's own recipe is named by its path, and an invalid one with its line", async () => {
	await cp(join(recipes, 'planner-executor'), join(root, 'mine'), {recursive: true});
	const said = await home.output(['join', '--recipe', './mine', '--tags', 'MINE_1,MINE_2', '--yes'], {cwd: root});
	expect(said).toContain(`leave --recipe '${root}/mine' --dir '${root}' --tags MINE_1,MINE_2`);
	expect((await all())['planner/CLAUDE.local.md']).toContain('### MINE_1 in the recipe mine');
	await home.output(['leave', '--recipe', `${root}/mine`, '--tags', 'MINE_1,MINE_2'], {cwd: root});
	expect(await readdir(root)).toEqual(['mine']);
	const file = join(root, 'mine/recipe.toml');
	await writeFile(file, (await readFile(file, 'utf8')).replace('[[agents]]', '[[agents]'));
	expect(await tried(['join', '--recipe', './mine'])).toEqual(refusal(`${file} is not valid TOML: line 5, `));
	expect(await tried(['join', '--recipe', './nowhere'])).toEqual(refusal(`There is no recipe in ${root}/nowhere.`));
});

describe('a recipe that did not come with agentmux', () => {
	beforeEach(() => cp(join(recipes, 'planner-executor'), join(root, 'mine'), {recursive: true}));

	test('is not set up without a terminal for the question', async () => {
		expect(await tried(['join', '--recipe', './mine'])).toEqual(
			refusal(
				'does not come with agentmux, and there is no terminal to ask for confirmation. Review what it would write',
				2,
			),
		);
	});

	test.each([
		['y\r', 0, ['executor', 'mine', 'planner']],
		['\r', 1, ['mine']],
		['n\r', 1, ['mine']],
		['\u0004', 1, ['mine']],
	])('shows what it would write and asks; after %j it ends with %i', async (answer, code, folders) => {
		const terminal = spawn([process.execPath, cli, 'join', '--recipe', './mine'], {
			cwd: root,
			cols: 200,
			rows: 50,
			env: {...home.env(), NO_COLOR: '1'},
		});
		onTestFinished(() => terminal.kill('SIGKILL'));
		const screen = await terminal.waitFor('Write all of this? (y/N)', 60_000);
		expect(screen.join('\n')).toContain('+### EXECUTOR in the recipe mine');
		expect(await readdir(root)).toEqual(['mine']);
		terminal.write(answer);
		expect(await terminal.exited).toBe(code);
		expect((await readdir(root)).sort()).toEqual(folders);
		if (code === 0) await home.output(['leave', '--recipe', `${root}/mine`], {cwd: root});
	});
});

describe('a tag that is taken is refused before anything changes, with others to take', () => {
	test('where its agent has its place in another folder; one that is gone does not count', async () => {
		const other = join(root, 'other');
		await mkdir(other);
		await home.output(['join', 'EXECUTOR', '--dir', other]);
		const taken = `EXECUTOR has already joined in ${other}: two sessions under one tag share an inbox`;
		expect(await tried([...joining, '--dir', root])).toEqual(refusal(taken));
		expect(await tried([...joining, '--dir', root, '--print'])).toEqual(
			refusal("Give the recipe's agents other tags: --tags PLANNER_2,EXECUTOR_2 (or --force to use these anyway)."),
		);
		await home.output([...joining, '--tags', 'PLANNER_2,EXECUTOR_2'], {cwd: root});
		expect(await tried([...joining, '--dir', other, '--tags', 'PLANNER_2,X'])).toEqual(refusal('--tags PLANNER_3,X_3'));
		await home.output([...joining, '--dir', other, '--tags', 'A_2,B_1']);
		expect(await tried([...joining, '--tags', 'A_2,A_3'])).toEqual(refusal('--tags A_2_2,A_3_2'));
		await home.output([...joining, '--dir', root, '--force']);
		await home.output([...leaving, '--dir', root]);
		await rm(other, {recursive: true});
		await home.output([...joining, '--dir', root]);
	});

	test('where somebody works under it who did not join from here, and where it was revoked', async () => {
		const tags = ['--tags', 'FREE_1,FAR_1'];
		await home.output(['sql', `insert into agents (tag, presence, last_seen_at) values ('FAR_1', 'working', now())`]);
		expect(await tried([...joining, ...tags])).toEqual(
			refusal('FAR_1 is already working elsewhere (working): two sessions under'),
		);
		await home.output(['agents', 'revoke', 'FAR_1']);
		expect(await tried([...joining, ...tags])).toEqual(
			refusal("FAR_1 has been revoked. Give the recipe's agents other tags: --tags FREE_2,FAR_2"),
		);
		expect((await agents()).map(({tag}) => tag)).not.toContain('FREE_1');
		await home.output(['agents', 'restore', 'FAR_1']);
		await home.output(['sql', `update agents set presence = 'away' where tag = 'FAR_1'`]);
		await home.output([...joining, ...tags], {cwd: root});
	});
});

describe('all agents are set up, or none', () => {
	const tags = ['--tags', 'NEW_1,NEW_2'];
	const newcomers = async () => (await agents()).filter(({tag}) => tag.startsWith('NEW_'));

	test('when a file of the second cannot be understood', async () => {
		await mkdir(join(root, 'executor'));
		await writeFile(join(root, 'executor/.mcp.json'), '{\n"mcpServers": {,}}');
		expect(await tried([...joining, ...tags])).toEqual(refusal('executor/.mcp.json is not valid JSON: line 2'));
		expect(await newcomers()).toEqual([]);
	});

	test('when the folder, or that of the second, is read-only', async () => {
		await mkdir(join(root, 'executor'));
		await chmod(join(root, 'executor'), 0o555);
		expect(await tried([...joining, ...tags])).toEqual(
			refusal(`${root}/executor is read-only and was not changed. Make it writable (chmod u+w)`),
		);
		await chmod(root, 0o555);
		expect(await tried([...joining, ...tags])).toEqual(refusal(`${root} is read-only and was not changed.`));
		expect(await newcomers()).toEqual([]);
		await chmod(root, 0o755);
	});

	test('when there is a file where a folder should be made, or a folder that was named for one agent is missing', async () => {
		await writeFile(join(root, 'executor'), '');
		expect(await tried([...joining, ...tags])).toEqual(refusal('executor/.mcp.json cannot be read (ENOTDIR)'));
		expect(await tried([...joining, '--dir', '.', '--dir', 'nowhere', ...tags])).toEqual(
			refusal(`There is no folder ${root}/nowhere. Create it, or give another with --dir DIR.`),
		);
		expect(await newcomers()).toEqual([]);
	});

	test('when the last of it cannot be written: folders go again, and nobody seems to be there', async () => {
		// A file of the kernel, beside which nobody can create another.
		const link = join(root, 'executor/CLAUDE.local.md');
		await mkdir(join(root, 'executor'));
		await symlink('/proc/sys/kernel/hostname', link);
		expect(await tried([...joining, ...tags])).toEqual(refusal(`${link} cannot be written`));
		expect((await newcomers()).map(({presence}) => presence)).toEqual(['away', 'away']);
		expect((await readdir(join(home.path, 'data/agents'))).filter(name => name.startsWith('NEW_'))).toEqual([]);
		await rm(link);
		await home.output([...joining, ...tags], {cwd: root});
	});
});

test.each([
	[
		['join', '--recipe', 'planer-executer'],
		'Unknown recipe `planer-executer`. Did you mean planner-executor? Choose from incident-bridge,',
	],
	[['leave', '--recipe', 'x'], 'Unknown recipe `x`. Choose from incident-bridge, monitor-responder,'],
	[
		[...joining, '--tags', 'A'],
		'planner-executor has 2 agents, but --tags names 1. Give one for each of PLANNER,EXECUTOR.',
	],
	[[...joining, '--tags', 'A,a'], '--tags names a twice.'],
	[[...joining, '--tags', 'A,HUMAN'], 'HUMAN is reserved; an agent cannot join as it.'],
	[[...joining, '--tags', 'A,no good'], '`no good` (--tags) is not a tag.'],
	[[...joining, '--tags', 'A,'], 'No agent given.'],
	[[...joining, 'PLANNER'], 'A recipe has its own tags: unexpected argument `PLANNER`. Use --tags A,B to change them.'],
	[[...joining, '--role', 'x'], 'A recipe has its own roles: --role cannot be used with it.'],
	[[...joining, '--dir', 'a', '--dir', 'b', '--dir', 'c'], 'planner-executor has 2 agents, but --dir names 3 folders.'],
	[[...joining, '--dir', 'a', '--dir', './a'], 'Two agents cannot use the same folder.'],
	[['join', 'A', '--tags', 'A,B'], '--tags requires --recipe.'],
	[['join', 'A', '--dir', 'a', '--dir', 'b'], 'Give only one folder.'],
])('agentmux %j is wrong usage', async (args, sentence) => {
	expect(await tried(args)).toEqual(refusal(sentence, 2));
});
