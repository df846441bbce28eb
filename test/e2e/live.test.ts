import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {createClient} from '@supabase/supabase-js';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {cli, Home} from '../helpers/program.ts';
import {spawn as openTerminal, type TestTerminal} from '../helpers/terminal.ts';

const writer = fileURLToPath(new URL('../fixtures/insert.ts', import.meta.url));

interface Keys {
	readonly url: string;
	readonly key: string;
}

describe('two agents and a human, live', () => {
	let home: Home;
	let keys: Keys;
	let terminal: TestTerminal;

	beforeAll(async () => {
		home = await Home.make();
		// The program itself finds no hub and starts one.
		terminal = openTerminal([process.execPath, cli], {cols: 200, rows: 50, env: {AGENTMUX_HOME: home.path}});
		await terminal.waitFor('live', 60_000);
		keys = await keysOf(home);
	});

	afterAll(async () => {
		terminal.kill();
		await terminal.exited;
		await home.dispose();
	});

	it('shows an empty mailbox how to let an agent join', () => {
		expect(terminal.text()).toContain('agentmux join');
	});

	it('shows a message that another process inserts with supabase-js, in the pane of its tag', async () => {
		await insert(keys, ['[CLAUDE_1] Hello Instance 2, can you process task X? @CLAUDE_TWIN']);
		const screen = await terminal.waitFor('can you process task X?');
		expect(paneWith(screen, 'CLAUDE_1')).toContain('Hello Instance 2, can you process task X? @CLAUDE_TWIN');
	});

	it('shows a message that the stock Supabase MCP server inserts, started as .mcp.json says, in the pane of its tag', async () => {
		const folder = join(home.path, 'project');
		await mkdir(folder);
		await home.output(['join', 'CLAUDE_TWIN', '--dir', folder]);
		const {mcpServers} = JSON.parse(await readFile(join(folder, '.mcp.json'), 'utf8')) as {
			mcpServers: {supabase: {command: string; args: string[]; env?: Record<string, string>}};
		};
		const client = new Client({name: 'e2e', version: '1'});
		await client.connect(
			new StdioClientTransport({
				...mcpServers.supabase,
				env: {...(home.env() as Record<string, string>), ...mcpServers.supabase.env},
				cwd: folder,
				stderr: 'ignore',
			}),
		);
		const content = "[CLAUDE_TWIN] Task X completed, results stored in ''task_x_results'' table. @CLAUDE_1";
		const answer = await client.callTool({
			name: 'execute_sql',
			arguments: {query: `insert into messages (content) values ('${content}') returning id`},
		});
		expect(answer.isError ?? false).toBe(false);
		await client.close();
		const screen = await terminal.waitFor('Task X completed');
		expect(paneWith(screen, 'CLAUDE_TWIN')).toContain("Task X completed, results stored in 'task_x_results'");
		expect(paneWith(screen, 'CLAUDE_TWIN')).toContain('unverified');
	});

	it('shows the row of a message that the human writes under a chosen tag, with its true author', async () => {
		terminal.write('#');
		await terminal.waitFor('Write as');
		terminal.write('CLAUDE_1');
		terminal.write('\r');
		await terminal.waitFor('by HUMAN');
		terminal.write('please use the 2025 data @CLAUDE_TWIN');
		await terminal.waitFor('please use the 2025 data');
		terminal.write('\r');
		const row = await until(async () => {
			const {data} = await supabaseJs(keys).from('messages').select().like('content', '%2025 data%');
			return data?.[0] as Record<string, unknown> | undefined;
		});
		expect(row).toMatchObject({
			content: '[CLAUDE_1] please use the 2025 data @CLAUDE_TWIN',
			tag: 'CLAUDE_1',
			mentions: ['CLAUDE_TWIN'],
			author_tag: 'HUMAN',
			author_kind: 'human',
			verified: true,
		});
		const screen = await terminal.waitFor(rows => paneWith(rows, 'CLAUDE_TWIN').includes('please use the 2025 data'));
		expect(paneWith(screen, 'CLAUDE_TWIN')).toMatch(/CLAUDE_1 .*by HUMAN/);
	});

	it('leaves the terminal as it found it', async () => {
		terminal.write('\u001B');
		await terminal.waitFor('READ');
		terminal.write('q');
		expect(await terminal.exited).toBe(0);
		expect(terminal.alternate).toBe(false);
	});

	it('prints one plain snapshot where there is no terminal', async () => {
		await home.output(['tasks', 'add', 'Draft the summary']);
		const {code, stdout, stderr} = await home.run([]);
		expect({code, stderr}).toEqual({code: 0, stderr: ''});
		expect(stdout).toContain('can you process task X?');
		expect(stdout).toMatch(/TASKS\n.*Draft the summary/);
		expect(stdout).not.toContain('\u001B');
	});
});

describe('when the hub is killed', () => {
	let home: Home;
	let terminal: TestTerminal;

	beforeAll(async () => {
		home = await Home.make();
		await home.output(['hub', 'start']);
		terminal = openTerminal([process.execPath, cli], {cols: 100, rows: 240, env: {AGENTMUX_HOME: home.path}});
		await terminal.waitFor('live', 60_000);
	});

	afterAll(async () => {
		terminal.kill();
		await terminal.exited;
		await home.dispose();
	});

	it('loses nothing, shows nothing twice, and says what is happening', async () => {
		const keys = await keysOf(home);
		const count = 60;
		const inserting = insert(
			keys,
			Array.from({length: count}, (_, number) => `[COUNTER] number ${number + 1} of ${count}.`),
			40,
		);
		await terminal.waitFor('number 15 of', 60_000);
		const {pid} = await home.json<{pid: number}>(['hub', 'status']);
		process.kill(pid, 'SIGKILL');
		await terminal.waitFor(/offline|retrying|starting/i);
		await home.output(['hub', 'start']);
		await inserting;
		const screen = await terminal.waitFor(
			rows => rows.some(row => row.includes(`number ${count} of`)) && rows.join('\n').includes('live'),
			60_000,
		);
		const shown = screen.flatMap(row => /number (\d+) of/.exec(row)?.[1] ?? []).map(Number);
		expect(shown).toEqual(Array.from({length: count}, (_, number) => number + 1));
	});
});

/** Gives a process of its own the contents to insert, one each `pause` milliseconds; resolves when all are there. */
async function insert({url, key}: Keys, contents: string[], pause = 0): Promise<void> {
	const child = spawn(process.execPath, [writer], {
		env: {...process.env, SUPABASE_URL: url, SUPABASE_KEY: key},
		stdio: ['pipe', 'ignore', 'ignore'],
	});
	const ended = once(child, 'exit');
	for (const content of contents) {
		child.stdin.write(`${content}\n`);
		await new Promise(resolve => {
			setTimeout(resolve, pause);
		});
	}
	child.stdin.end();
	const [code] = (await ended) as [number];
	expect(code).toBe(0);
}

async function keysOf(home: Home): Promise<Keys> {
	const text = await home.output(['hub', 'status', '-o', 'env']);
	const value = (name: string): string => new RegExp(`^${name}="?([^"\\n]+)`, 'm').exec(text)?.[1] ?? '';
	return {url: value('API_URL'), key: value('SERVICE_ROLE_KEY')};
}

function supabaseJs({url, key}: Keys) {
	return createClient(url, key, {auth: {persistSession: false}});
}

/** The text of the pane whose header names the tag: the columns between the two lines that part it from its neighbours. */
function paneWith(screen: string[], tag: string): string {
	const header = new RegExp(`(?:^|│).?\\d ${tag}\\b`);
	const row = screen.findIndex(line => header.test(line));
	const at = screen[row]?.search(new RegExp(`\\d ${tag}\\b`)) ?? -1;
	if (at === -1) throw new Error(`There is no pane of ${tag}:\n${screen.join('\n')}`);
	const from = (screen[row]?.lastIndexOf('│', at) ?? -1) + 1;
	const next = screen[row]?.indexOf('│', at) ?? -1;
	return screen
		.slice(row)
		.map(line => line.slice(from, next === -1 ? undefined : next).trimEnd())
		.join('\n');
}

async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
	for (let tries = 0; tries < 200; tries += 1) {
		const found = await probe();
		if (found !== undefined) return found;
		await new Promise(resolve => {
			setTimeout(resolve, 50);
		});
	}
	throw new Error('It never came.');
}
