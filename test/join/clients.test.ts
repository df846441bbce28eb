import {chmod, mkdir, readFile, readdir, rm, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parse} from 'smol-toml';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
let count = 0;
/** A folder and a tag of its own for each test. */
let folder: string;
let me: string;
beforeAll(async () => {
	home = await Home.make();
	await home.output(['hub', 'start']);
});
afterAll(() => home.dispose());
beforeEach(async () => {
	count += 1;
	me = `AGENT_${count}`;
	folder = join(home.path, `a project ${count} 🙂`);
	await mkdir(folder);
});

const joinAs = (client: string, tag = me, ...more: string[]) =>
	home.run(['join', tag, '--client', client, '--dir', folder, ...more]);
const leave = (tag = me) => home.run(['leave', tag, '--dir', folder]);
const text = (name: string) => readFile(join(folder, name), 'utf8');
const put = async (name: string, content: string) => {
	await mkdir(join(folder, name, '..'), {recursive: true});
	await writeFile(join(folder, name), content);
};
/** Every file below the folder with its text, by path. */
async function files(): Promise<{[path: string]: string}> {
	const found = await readdir(folder, {recursive: true, withFileTypes: true});
	const paths = found.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name));
	const texts = await Promise.all(
		paths.map(async path => [path.slice(folder.length + 1), await readFile(path, 'utf8')]),
	);
	return Object.fromEntries(texts) as {[path: string]: string};
}
const commands = (hooks: {[event: string]: {hooks: {command: string}[]}[]}) =>
	Object.entries(hooks).map(([event, [entry]]) => [event, entry?.hooks[0]?.command ?? '']);

describe('Codex', () => {
	test('has its servers in TOML, its hooks in JSON, and its guidance in the AGENTS.md that is there', async () => {
		await put('AGENTS.md', '# Mine\n');
		const {stdout, stderr} = await joinAs('codex');
		expect(stderr).toBe('');
		expect(stdout).toContain(': .codex/config.toml, .codex/hooks.json, AGENTS.md.\n');
		expect(stdout).toContain('Start its terminal there, and trust the folder and its hooks when it asks:\n');
		expect(stdout).toContain("' && codex\n");
		expect(Object.keys(await files()).sort()).toEqual(['.codex/config.toml', '.codex/hooks.json', 'AGENTS.md']);
		expect(parse(await text('.codex/config.toml'))).toMatchObject({
			mcp_servers: {agentmux: {command: join(home.path, 'data/bin/agentmux')}, supabase: {}},
		});
		const {hooks} = JSON.parse(await text('.codex/hooks.json')) as {hooks: Parameters<typeof commands>[0]};
		const program = join(home.path, 'data/bin/agentmux-hook');
		expect(commands(hooks)).toEqual(
			['SessionStart', 'UserPromptSubmit', 'PostToolUse', 'PermissionRequest', 'Stop', 'Interrupt', 'SessionEnd'].map(
				event => [event, `test ! -x ${program} || ${program} ${event} --client codex`],
			),
		);
		expect(hooks['Stop']).toMatchObject([{hooks: [{type: 'command', timeout: 3}]}]);
		expect(await text('AGENTS.md')).toMatch(new RegExp(`^# Mine\n\n<!-- agentmux: begin ${me} `));
		const once = await files();
		expect((await joinAs('codex')).stdout).toContain('had already joined');
		expect(await files()).toEqual(once);
		expect((await leave()).stdout).toContain(
			'Removed, because nothing else was in it: .codex/config.toml, .codex/hooks.json.\n',
		);
		expect(await files()).toEqual({'AGENTS.md': '# Mine\n'});
		expect(await readdir(folder)).toEqual(['AGENTS.md']);
	});
});

describe('Codex, which runs the hooks of the folders above too', () => {
	test('is refused below a folder of another tag in one git repository, and nothing changes', async () => {
		await mkdir(join(folder, '.git'));
		await mkdir(join(folder, 'below/it'), {recursive: true});
		await joinAs('codex');
		const below = ['--client', 'codex', '--dir', join(folder, 'below/it')];
		const {code, stderr} = await home.run(['join', `${me}_B`, ...below]);
		expect(code).toBe(1);
		expect(stderr).toContain(`/.codex/hooks.json in ${join(folder, 'below/it')}, and they are for ${me}: one`);
		expect(await readdir(join(folder, 'below/it'))).toEqual([]);
		await mkdir(join(folder, 'below/.git'));
		expect((await home.run(['join', `${me}_B`, ...below])).code).toBe(0);
	});
});

describe('Gemini CLI', () => {
	const mine = `{
	// which model
	"model": {"name": "x"}, /* and nothing
	else */
	"hooks": {
		"AfterTool": [{"matcher": "write_file", "hooks": [{"type": "command", "command": "make lint"}]}] // mine
	}
}
`;

	test('has its servers and its hooks in one file, whose comments stay', async () => {
		await put('.gemini/settings.json', mine);
		const {stdout} = await joinAs('gemini');
		expect(stdout).toContain(': .gemini/settings.json, GEMINI.md.\n');
		expect(stdout).toContain("and trust the folder when it asks:\n  cd '");
		const written = await text('.gemini/settings.json');
		for (const comment of ['// which model', '/* and nothing\n\telse */', '// mine'])
			expect(written).toContain(comment);
		const {mcpServers, hooks} = JSON.parse(written.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '')) as {
			mcpServers: {[name: string]: {env: object}};
			hooks: Parameters<typeof commands>[0];
		};
		// It hands nothing that looks like a secret to a server that does not ask for it.
		expect(mcpServers['agentmux']?.env).toEqual({
			SUPABASE_SECRET_KEY: '$SUPABASE_SECRET_KEY',
			SUPABASE_SERVICE_ROLE_KEY: '$SUPABASE_SERVICE_ROLE_KEY',
			SUPABASE_PUBLISHABLE_KEY: '$SUPABASE_PUBLISHABLE_KEY',
			SUPABASE_ANON_KEY: '$SUPABASE_ANON_KEY',
			SUPABASE_ACCESS_TOKEN: '$SUPABASE_ACCESS_TOKEN',
			CLAUDE_CODE_ENTRYPOINT: '',
			AGENTMUX_TAG: '',
		});
		expect(Object.keys(hooks).sort()).toEqual([
			'AfterAgent',
			'AfterTool',
			'BeforeAgent',
			'BeforeTool',
			'Notification',
			'SessionEnd',
			'SessionStart',
		]);
		expect(hooks['AfterTool']).toMatchObject([
			{matcher: 'write_file'},
			{
				hooks: [
					{name: 'agentmux', timeout: 5000, command: expect.stringMatching(/agentmux-hook AfterTool --client gemini$/)},
				],
			},
		]);
		expect(hooks['BeforeTool']).toMatchObject([{matcher: 'invoke_agent'}]);
		expect((await joinAs('gemini')).stdout).toContain('had already joined');
		expect(await text('.gemini/settings.json')).toBe(written);
		await leave();
		expect(await files()).toEqual({'.gemini/settings.json': mine});
	});

	test('keeps what somebody has added since, comments and all', async () => {
		await put('.gemini/settings.json', mine);
		await joinAs('gemini');
		const added = (await text('.gemini/settings.json')).replace('\t"model"', '\t// added\n\t"ui": {},\n\t"model"');
		await put('.gemini/settings.json', added);
		await leave();
		expect(await text('.gemini/settings.json')).toBe(mine.replace('\t"model"', '\t// added\n\t"ui": {},\n\t"model"'));
	});

	test.each([
		['a comma too many', '{\n  "mcpServers": {},\n}\n', /settings\.json is not valid JSON: line 3, a name/],
		['a comment without an end', '{\n/* "a": 1\n}', /line 2, a comment is not closed/],
		['hooks that are no object', '{"hooks": []}', /`hooks` in .* is not an object/],
	])('refuses %s with the line, and changes nothing', async (_, content, sentence) => {
		await put('.gemini/settings.json', content);
		const {code, stderr} = await joinAs('gemini');
		expect(code).toBe(1);
		expect(stderr).toMatch(sentence);
		expect(await files()).toEqual({'.gemini/settings.json': content});
		expect((await home.json<Agent[]>(['agents'])).some(({tag}) => tag === me)).toBe(false);
	});
});

describe('several clients in one folder', () => {
	test('are set up at once under one tag, and one leave takes all of it out', async () => {
		const {stdout} = await joinAs('gemini, claude,codex');
		expect(stdout).toContain(
			': .mcp.json, .claude/settings.local.json, CLAUDE.local.md, .codex/config.toml, .codex/hooks.json, AGENTS.md, .gemini/settings.json, GEMINI.md.\n',
		);
		for (const name of ['Claude Code', 'Codex', 'Gemini CLI']) expect(stdout).toContain(`the terminal of ${name}`);
		expect(Object.keys(await files())).toHaveLength(8);
		await leave();
		expect(await readdir(folder)).toEqual([]);
	});

	test('one after the other, each under its own tag, leave each other alone', async () => {
		await put('CLAUDE.local.md', '# Mine\n');
		await joinAs('claude', me);
		const alone = await files();
		await joinAs('gemini', `${me}_G`);
		await joinAs('codex', `${me}_C`);
		expect(await text('GEMINI.md')).toContain(`is ${me}_G in an agentmux mailbox`);
		await leave(`${me}_G`);
		await leave(`${me}_C`);
		expect(await files()).toEqual(alone);
		await leave();
		expect(await files()).toEqual({'CLAUDE.local.md': '# Mine\n'});
	});

	test('share the guidance where one of its files is a link to the other', async () => {
		await put('AGENTS.md', '# Ours\n');
		await symlink('AGENTS.md', join(folder, 'CLAUDE.local.md'));
		await joinAs('claude,codex');
		const once = await text('CLAUDE.local.md');
		expect(once.match(/agentmux: begin/g)).toHaveLength(1);
		expect((await joinAs('claude,codex')).stdout).toContain('had already joined');
		expect(await text('AGENTS.md')).toBe(once);
		await leave();
		expect(await text('CLAUDE.local.md')).toBe('# Ours\n');
		expect((await readdir(folder)).sort()).toEqual(['AGENTS.md', 'CLAUDE.local.md']);
	});

	test('do not affect each other: a broken file of one that has not joined is ignored', async () => {
		const broken = {'.codex/config.toml': '[,', '.gemini/settings.json': '{,'};
		for (const [name, content] of Object.entries(broken)) await put(name, content);
		await writeFile(join(folder, 'GEMINI.md'), Buffer.from([0xff]));
		expect(await joinAs('claude')).toMatchObject({code: 0, stderr: ''});
		expect(await leave()).toMatchObject({code: 0, stderr: ''});
		expect(await files()).toMatchObject(broken);
	});

	test('that have joined are taken out all together, or not at all', async () => {
		await joinAs('claude,codex');
		await put('.codex/config.toml', '[,');
		const before = await files();
		const {code, stderr} = await leave();
		expect(code).toBe(1);
		expect(stderr).toContain('config.toml is not valid TOML: line 1');
		expect(await files()).toEqual(before);
	});

	test('when one of their files cannot be written, none is', async () => {
		await put('.codex/config.toml', 'a = 1\n');
		await chmod(join(folder, '.codex/config.toml'), 0o444);
		const {code, stderr} = await joinAs('claude,codex');
		expect(code).toBe(1);
		expect(stderr).toContain('config.toml is read-only and was not changed');
		expect(await files()).toEqual({'.codex/config.toml': 'a = 1\n'});
		await rm(join(folder, '.codex'), {recursive: true, force: true});
	});
});

test('an unknown client is refused, with a suggestion', async () => {
	expect(await joinAs('gemni')).toMatchObject({
		code: 2,
		stderr: 'agentmux: Unknown client `gemni`. Did you mean gemini? Choose from claude, codex, gemini.\n',
	});
	expect(await joinAs('claude,')).toMatchObject({code: 2, stderr: expect.stringContaining('Unknown client ``.')});
	expect(await readdir(folder)).toEqual([]);
});

test('a recipe is set up for the client that is named, and does not say that mail wakes it', async () => {
	const recipe = ['--recipe', 'monitor-responder', '--dir', folder];
	const said = await home.output(['join', ...recipe, '--client', 'codex']);
	expect(said).toContain(
		'Start each in its own terminal, trust the folder and its hooks when it asks, and type something',
	);
	expect(said.match(/&& codex$/gm)).toHaveLength(2);
	expect(said).not.toContain('its mail wakes it');
	const paths = Object.keys(await files());
	const guidance = paths.filter(path => path.endsWith('/AGENTS.md'));
	expect(guidance).toHaveLength(2);
	expect(paths.filter(path => path.endsWith('/CLAUDE.local.md'))).toEqual([]);
	for (const path of guidance) expect(await text(path)).toContain('in the recipe monitor-responder');
	await home.output(['leave', ...recipe]);
	expect(await readdir(folder)).toEqual([]);
});

test('a tag that has not joined is reported, also next to a broken file of a client that has not joined', async () => {
	await joinAs('codex');
	await put('.mcp.json', '{,');
	expect(await leave('OTHER')).toMatchObject({code: 1, stderr: expect.stringContaining('OTHER has not joined in')});
});

test('--print shows all of it, and changes nothing', async () => {
	const {stdout} = await joinAs('codex,gemini', me, '--print');
	for (const line of [
		'config.toml (new)',
		'+[mcp_servers.agentmux]',
		'hooks.json (new)',
		'+    "AfterAgent": [',
		'GEMINI.md (new)',
	]) {
		expect(stdout).toContain(line);
	}
	expect(await readdir(folder)).toEqual([]);
});
