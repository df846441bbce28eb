import {execFileSync, spawnSync} from 'node:child_process';
import {mkdir, readFile, readdir, rm, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {afterAll, beforeAll, describe, expect, test, vi} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {fire} from '../helpers/hook.ts';
import type {Called} from '../helpers/mcp.ts';
import {Home} from '../helpers/program.ts';
import {messagesIn, tasksIn} from '../helpers/shown.ts';

interface Entry {
	readonly command: string;
	readonly args: string[];
	readonly env?: Record<string, string>;
}

let home: Home;
let folder: string;
beforeAll(async () => {
	home = await Home.make();
	folder = join(home.path, 'a project');
	await mkdir(folder);
});
afterAll(() => home.dispose());

const entries = async (): Promise<Record<string, Entry>> => {
	const text = await readFile(join(folder, '.mcp.json'), 'utf8');
	return (JSON.parse(text) as {mcpServers: Record<string, Entry>}).mcpServers;
};

/** Starts a server as a client does: with what the file says, and the environment that clients pass on. */
async function connect(entry: Entry | undefined): Promise<{client: Client; stderr: () => string}> {
	const transport = new StdioClientTransport({...entry!, stderr: 'pipe', cwd: folder});
	let stderr = '';
	transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
	const client = new Client({name: 'test', version: '1'});
	await client.connect(transport);
	return {client, stderr: () => stderr};
}

async function call(client: Client, name: string, args: object = {}): Promise<Called> {
	const result = (await client.callTool({name, arguments: {...args}})) as CallToolResult;
	const [first] = result.content;
	return {
		text: first?.type === 'text' ? first.text : '',
		isError: result.isError === true,
	};
}

test('join --print shows what it would write, and touches nothing', async () => {
	const {stdout} = await home.run(['join', 'CLAUDE_1', '--dir', folder, '--print']);
	expect(stdout).toContain('.mcp.json (new)');
	expect(stdout).toContain('+    "agentmux": {');
	expect(stdout).toContain('settings.local.json (new)');
	expect(stdout).toContain('CLAUDE.local.md (new)');
	expect(stdout).toContain('data/agents/CLAUDE_1.json');
	expect(await readdir(folder)).toEqual([]);
	// Compiled code is kept there by every command, and the database was there before.
	expect((await readdir(home.path)).filter(name => name !== 'cache' && name !== 'data')).toEqual(['a project']);
	expect((await readdir(join(home.path, 'data')).catch(() => [])).filter(name => name !== 'pg')).toEqual([]);
});

test('join --print shows the change of a long file, where it stands and with three lines around it', async () => {
	const long = join(home.path, 'long');
	await mkdir(long);
	// Comparing each line with each other line of this needs more memory than Node has.
	const lines = Array.from({length: 40_000}, (_, index) => `rule ${index}`);
	await writeFile(join(long, 'CLAUDE.local.md'), lines.join('\n') + '\n');
	const shown = await home.output(['join', 'CLAUDE_1', '--dir', long, '--print']);
	const [, preview = ''] = shown.split('long/CLAUDE.local.md\n');
	expect(preview).toMatch(/^@@ -39998,3 \+39998,\d+ @@\n rule 39997\n rule 39998\n rule 39999\n\+/);
	expect(preview).not.toMatch(/^-/m);
	await rm(long, {recursive: true});
});

test('join writes commands that work from anywhere, registers the agent, and changes nothing the second time', async () => {
	const said = await home.output(['join', 'CLAUDE_1', '--dir', 'a project', '--role', 'builds things']);
	const launcher = join(home.path, 'data/bin/agentmux');
	expect(said).toContain('CLAUDE_1 has joined in');
	expect(said).toContain(`cd '${folder}' && claude`);
	expect(said.trim().split('\n').length).toBeLessThan(8);
	expect(await entries()).toEqual({
		agentmux: {command: launcher, args: ['mcp', '--as', 'CLAUDE_1']},
		supabase: {command: launcher, args: ['mcp', '--supabase', '--as', 'CLAUDE_1']},
	});
	const text = await readFile(join(folder, '.mcp.json'), 'utf8');
	expect(await home.output(['join', 'CLAUDE_1'], {cwd: folder})).toContain('already');
	expect(await readFile(join(folder, '.mcp.json'), 'utf8')).toBe(text);
	expect(text).not.toMatch(/eyJ|127\.0\.0\.1/);
	expect(await home.json<Agent[]>(['agents'])).toMatchObject([{tag: 'CLAUDE_1', kind: 'agent', role: 'builds things'}]);
	expect(await home.output(['agents'])).toMatch(/^TAG +KIND +PRESENCE +LAST SEEN +ROLE\nCLAUDE_1 +agent/);
});

describe('the scripts that clients start', () => {
	const scripts = () => ['agentmux', 'agentmux-hook'].map(name => join(home.path, 'data/bin', name));
	const start = (script: string, words: string[]) => {
		const {status, stdout, stderr} = spawnSync(script, words, {cwd: folder, encoding: 'utf8', input: '{}'});
		return {code: status, stdout, stderr};
	};

	test('start this program, and are rewritten by a newer one, or if what they start is gone', async () => {
		const [program = '', hook = ''] = scripts();
		const texts = async () => Promise.all(scripts().map(script => readFile(script, 'utf8')));
		const [own = '', ownHook = ''] = await texts();
		expect(start(program, ['--version'])).toMatchObject({code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/)});
		const version = /^# agentmux (\S+)$/m.exec(own)?.[1] ?? '';
		const kept = [own.replace(`# agentmux ${version}`, '# agentmux 99.0.0'), ownHook.replace(version, '99.0.0')];
		for (const [index, script] of scripts().entries()) await writeFile(script, kept[index] ?? '');
		await home.output(['config']);
		expect(await texts()).toEqual(kept);
		const older = [
			own.replace(`# agentmux ${version}`, '# agentmux 0.0.9'),
			ownHook.replaceAll('hook.cjs', 'gone.cjs'),
		];
		for (const [index, script] of scripts().entries()) await writeFile(script, older[index] ?? '');
		// The client does not show an error at each step: it says nothing.
		expect(start(hook, ['Stop'])).toEqual({code: 0, stdout: '', stderr: ''});
		await home.output(['config']);
		expect(await texts()).toEqual([own, ownHook]);
		for (const script of scripts()) await rm(script);
		await home.output(['config']);
		expect(await texts()).toEqual([own, ownHook]);
		expect((await stat(program)).mode & 0o777).toBe(0o700);
	});

	test('say what to do if the program is gone', async () => {
		const [program = ''] = scripts();
		const copy = join(home.path, 'copy');
		await writeFile(copy, (await readFile(program, 'utf8')).replaceAll('cli.js', 'gone.js'), {mode: 0o700});
		expect(start(copy, ['mcp'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('Start it once from where it is'),
		});
		await rm(copy);
	});
});

test('the hooks that it writes run as a shell takes them, from a folder and a home with spaces, quotes, dollars and emoji', async () => {
	const odd = await Home.make({name: 'a "home" $HOME 🙂 '});
	const project = join(odd.path, "it's a `project` $(true) 🙂");
	await mkdir(project);
	await odd.output(['join', 'CLAUDE_7', '--dir', project]);
	await odd.output(['send', '--to', 'CLAUDE_7', 'hello']);
	const {hooks} = JSON.parse(await readFile(join(project, '.claude/settings.local.json'), 'utf8')) as {
		hooks: Record<string, {hooks: {command: string}[]}[]>;
	};
	const command = hooks['SessionStart']?.[0]?.hooks[0]?.command ?? '';
	const env = Object.fromEntries(Object.entries(odd.env()).filter(([name]) => name !== 'AGENTMUX_HOME'));
	env['AGENTMUX_HOOK_TIMEOUT'] = '10000';
	const said = execFileSync('/bin/sh', ['-c', command], {
		cwd: project,
		env,
		input: '{"session_id":"s"}',
		encoding: 'utf8',
	});
	expect(JSON.parse(said)).toMatchObject({
		hookSpecificOutput: {additionalContext: expect.stringContaining('  | @CLAUDE_7 hello')},
	});
	const token = join(odd.path, 'data/agents/CLAUDE_7.json');
	expect((await stat(token)).mode & 0o777).toBe(0o600);
	const kept = await readFile(token, 'utf8');
	expect(await odd.output(['join', 'CLAUDE_7', '--dir', project])).toContain('already');
	expect(await readFile(token, 'utf8')).toBe(kept);
	await odd.output(['leave', 'CLAUDE_7', '--dir', project]);
	expect(await readdir(project)).toEqual([]);
	await odd.dispose();
});

test('with a Supabase in the environment, join says what does not work without it, and stores no key', async () => {
	const {url} = await home.json<{url: string}>(['hub', 'status']);
	const [, key = ''] = /^SERVICE_ROLE_KEY="?([^"\n]+)/m.exec(await home.output(['hub', 'status', '-o', 'env'])) ?? [];
	const project = join(home.path, 'hosted');
	await mkdir(project);
	const env = {SUPABASE_URL: url, SUPABASE_SECRET_KEY: key};
	const said = await home.output(['join', 'CLAUDE_8', '--dir', project], {env});
	expect(said).toContain('messages from CLAUDE_8 are shown as unverified');
	expect(said).toContain('without them its hooks deliver no mail');
	const written = [join(home.path, 'data/agents/CLAUDE_8.json'), join(project, '.claude/settings.local.json')];
	for (const file of written) expect(await readFile(file, 'utf8')).not.toContain(key);
	await home.output(['send', '--to', 'CLAUDE_8', 'hosted hello'], {env});
	const fired = await fire({home: home.path, tag: 'CLAUDE_8', event: 'PostToolBatch', env});
	expect(fired.stdout).toContain('hosted hello');
	expect((await fire({home: home.path, tag: 'CLAUDE_8', event: 'PostToolBatch'})).stdout).toBe('');
	await home.output(['leave', 'CLAUDE_8', '--dir', project], {env});
	await home.output(['sql', "delete from agents where tag = 'CLAUDE_8'"]);
});

test("the agent's server lets it talk with the human, and its presence is shown", async () => {
	const {client, stderr} = await connect((await entries())['agentmux']);
	const {tools} = await client.listTools();
	expect(tools).toHaveLength(12);
	await home.output(['send', '--to', 'CLAUDE_1', 'please build']);
	const checked = await call(client, 'check_messages');
	expect(messagesIn(checked)).toMatchObject([
		{from: 'HUMAN', provenance: 'signed by HUMAN, human', text: '@CLAUDE_1 please build'},
	]);
	const [asked] = messagesIn(checked);
	await vi.waitFor(
		async () => {
			const rows = await home.json<object[]>([
				'sql',
				`select reader, state, route from receipts where message_id = ${asked?.id}`,
			]);
			expect(rows).toEqual([{reader: 'CLAUDE_1', state: 'delivered', route: 'mcp'}]);
		},
		{timeout: 20_000},
	);
	const sent = await call(client, 'send_message', {text: 'done', to: ['HUMAN'], reply_to: asked?.id});
	expect(sent).toEqual({isError: false, text: expect.stringMatching(/^Sent to HUMAN as message #\d+\.$/)});
	const [last] = await home.json<Message[]>(['inbox', '--as', 'HUMAN']);
	expect(last).toMatchObject({
		tag: 'CLAUDE_1',
		author_tag: 'CLAUDE_1',
		author_kind: 'agent',
		verified: true,
		reply_to: asked?.id,
	});
	expect(messagesIn(await call(client, 'search_messages', {query: 'build'}))).toHaveLength(1);
	await call(client, 'add_task', {title: 'from MCP'});
	expect(tasksIn(await call(client, 'list_tasks'))).toMatchObject([{facts: ', added by CLAUDE_1', title: 'from MCP'}]);
	await client.close();
	await vi.waitFor(async () => expect(await home.json<Agent[]>(['agents'])).toMatchObject([{presence: 'away'}]), {
		timeout: 20_000,
	});
	expect(stderr()).toBe('');
});

test("the agent's server outlives the hub", async () => {
	const {client} = await connect((await entries())['agentmux']);
	expect(await call(client, 'send_message', {text: 'one'})).toMatchObject({isError: false});
	const {pid} = await home.json<{pid: number}>(['hub', 'status']);
	process.kill(pid, 'SIGKILL');
	await vi.waitFor(
		async () => expect(await call(client, 'send_message', {text: 'two'})).toMatchObject({isError: false}),
		{
			timeout: 30_000,
		},
	);
	const rows = await home.json<object[]>(['sql', "select body from messages where body in ('one', 'two') order by id"]);
	expect(rows).toEqual([{body: 'one'}, {body: 'two'}]);
	await client.close();
});

test('the stock Supabase server inserts a message as the agent with execute_sql, started exactly as the file says', async () => {
	const {client} = await connect((await entries())['supabase']);
	const query =
		"insert into messages (content) values ('[CLAUDE_1] hello @CLAUDE_TWIN') returning id, tag, body, mentions";
	const {isError, text} = await call(client, 'execute_sql', {query});
	expect(isError).toBe(false);
	expect(text).toContain('CLAUDE_TWIN');
	const [message] = await home.json<Message[]>(['inbox', '--as', 'CLAUDE_TWIN']);
	expect(message).toMatchObject({tag: 'CLAUDE_1', body: 'hello @CLAUDE_TWIN', verified: true, author_tag: 'CLAUDE_1'});
	await client.close();
});

test('the server for SQL is omitted with --no-sql, also by the next join there, until it is asked for again', async () => {
	const dir = join(home.path, 'no sql');
	await mkdir(dir);
	const joined = async (...words: string[]): Promise<boolean> => {
		await home.output(['join', 'NO_SQL', '--dir', dir, ...words]);
		const text = await readFile(join(dir, '.mcp.json'), 'utf8');
		expect(text).toContain('"agentmux"');
		return text.includes('"supabase"');
	};
	expect(await joined('--no-sql')).toBe(false);
	expect(await joined()).toBe(false);
	// What it remembers is not in the folder.
	await rm(join(dir, '.mcp.json'));
	expect(await joined('--role', 'x')).toBe(false);
	expect(await joined('--sql')).toBe(true);
	expect(await joined()).toBe(true);
	const both = await home.run(['join', 'NO_SQL', '--dir', dir, '--no-sql', '--owner-sql']);
	expect(both).toMatchObject({code: 2});
	expect(both.stderr).toContain('--owner-sql needs the server that --no-sql omits.');
	expect(await joined('--no-sql')).toBe(false);
	await home.output(['leave', 'NO_SQL', '--dir', dir]);
	expect(await readdir(dir)).toEqual([]);
	// It was a choice for as long as the agent was there.
	expect(await joined()).toBe(true);
	await home.output(['leave', 'NO_SQL', '--dir', dir]);
	await home.output(['sql', "delete from agents where tag = 'NO_SQL'"]);
});

test('runs without a user take part after --headless, also after the next join there, until --no-headless or leave', async () => {
	const dir = join(home.path, 'headless');
	await mkdir(dir);
	const settings = join(dir, '.claude/settings.local.json');
	const joined = async (...words: string[]): Promise<boolean> => {
		await home.output(['join', 'BATCH', '--dir', dir, ...words]);
		const texts = await Promise.all([join(dir, '.mcp.json'), settings].map(file => readFile(file, 'utf8')));
		const [one, other] = texts.map(text => text.includes('--headless'));
		expect(one).toBe(other);
		return one === true;
	};
	const shown = async () =>
		(await home.json<{tag: string; headless: boolean}[]>(['agents', 'folders'])).find(({tag}) => tag === 'BATCH');
	expect(await joined()).toBe(false);
	expect(await joined('--headless')).toBe(true);
	expect(await joined('--role', 'x')).toBe(true);
	expect(await shown()).toMatchObject({headless: true});
	expect(await home.output(['agents', 'folders'])).toMatch(/BATCH +Claude Code +set up +headless /);
	// What it remembers is not in the folder.
	await rm(settings);
	expect(await joined()).toBe(true);
	// Where an earlier version has joined, it is.
	const file = join(home.path, 'data/agents/BATCH.json');
	const {headless, ...earlier} = JSON.parse(await readFile(file, 'utf8')) as {headless: unknown};
	expect(headless).toEqual([dir]);
	await writeFile(file, JSON.stringify(earlier));
	expect(await shown()).toMatchObject({headless: true});
	expect(await joined()).toBe(true);
	expect(await joined('--no-headless')).toBe(false);
	expect(await joined()).toBe(false);
	expect(await shown()).toMatchObject({headless: false});
	expect(await joined('--headless')).toBe(true);
	await home.output(['leave', 'BATCH', '--dir', dir]);
	expect(await joined()).toBe(false);
	await home.output(['leave', 'BATCH', '--dir', dir]);
	const recipe = ['--recipe', 'planner-executor', '--dir', join(home.path, 'batch')];
	for (const more of [['--headless'], []]) await home.output(['join', ...recipe, ...more]);
	expect(await readFile(join(home.path, 'batch/executor/.mcp.json'), 'utf8')).toContain('--headless');
	await home.output(['leave', ...recipe]);
	await home.output(['sql', "delete from agents where tag in ('BATCH', 'PLANNER', 'EXECUTOR')"]);
});

test('recipes say whether their agents need it', async () => {
	const serversOf = async (recipe: string, folder: string, ...words: string[]): Promise<string[]> => {
		const dir = join(home.path, 'recipes');
		await home.output(['join', '--recipe', recipe, '--dir', dir, ...words]);
		const text = await readFile(join(dir, folder, '.mcp.json'), 'utf8');
		return Object.keys((JSON.parse(text) as {mcpServers: object}).mcpServers);
	};
	await mkdir(join(home.path, 'recipes'));
	expect(await serversOf('planner-executor', 'executor')).toEqual(['agentmux']);
	expect(await serversOf('planner-executor', 'executor', '--sql')).toEqual(['agentmux', 'supabase']);
	expect(await serversOf('monitor-responder', 'monitor')).toEqual(['agentmux', 'supabase']);
	for (const recipe of ['planner-executor', 'monitor-responder']) {
		await home.output(['leave', '--recipe', recipe, '--dir', join(home.path, 'recipes')]);
	}
	await home.output(['sql', "delete from agents where tag in ('PLANNER', 'EXECUTOR', 'MONITOR', 'RESPONDER')"]);
});

test('a client that hangs up at once leaves nothing behind', async () => {
	const child = home.start(['mcp', '--as', 'CLAUDE_1']);
	child.stdin.end();
	const code = await new Promise(resolve => {
		child.once('close', resolve);
	});
	expect(code).toBe(0);
});

test('leave takes out what join wrote', async () => {
	expect(await home.output(['leave', 'CLAUDE_1', '--dir', folder])).toContain('CLAUDE_1 has left');
	expect(await readdir(folder)).toEqual([]);
	const again = await home.run(['leave', 'CLAUDE_1', '--dir', folder]);
	expect(again).toMatchObject({code: 1, stderr: expect.stringContaining('nothing was changed')});
});

test("a tag that looks like the human's is refused, and one that looks like an agent's is pointed out", async () => {
	const [dir, other] = ['alike', 'alike-2'].map(name => join(home.path, name)) as [string, string];
	for (const each of [dir, other]) await mkdir(each);
	const refused = await home.run(['join', 'HUMAN_', '--dir', dir]);
	expect(refused).toMatchObject({code: 1, stdout: ''});
	expect(refused.stderr).toBe(
		'agentmux: HUMAN_ looks like HUMAN, and would be mistaken for it. Use another tag: CLAUDE_1 (or --force to use this one anyway).\n',
	);
	await home.output(['join', 'LOOK_1', '--dir', dir]);
	const said = await home.run(['join', 'LOOK_I', '--dir', other]);
	expect(said.code).toBe(0);
	expect(said.stderr).toContain('LOOK_I looks like LOOK_1, which is another agent');
	expect((await home.run(['agents'])).stderr).toContain('LOOK_I looks like LOOK_1, but is a different tag.');
});
