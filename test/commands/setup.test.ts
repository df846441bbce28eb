import {chmod, mkdir, readFile, readdir, rename, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {afterAll, beforeAll, describe, expect, test, vi} from 'vitest';
import {claimClient} from '../../source/join/clients/client-owner.ts';
import type {Agent} from '../../source/mailbox/agent.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn} from '../helpers/terminal.ts';

let home: Home;
let bin: string;
beforeAll(async () => {
	home = await Home.make();
	bin = await folder('bin');
	// Say how they were started, as JSON lines; the client ends as it is told.
	await program(
		'claude',
		`[ "$1" = --version ] && echo '2.1.330 (Claude Code)' && exit 0\nsay claude "$@"\nexit "\${CODE:-0}"`,
	);
	await program('tmux', `say tmux "$@"\n[ "$1" != list-windows ] || echo "$WINDOWS"\n[ "$1" != has-session ]`);
});
afterAll(() => home.dispose());

async function folder(name: string): Promise<string> {
	const path = join(home.path, name);
	await mkdir(path, {recursive: true});
	return path;
}

async function program(name: string, script: string): Promise<void> {
	const log = join(home.path, 'started.log');
	const say = `say() { for word; do printf '%s|' "$word"; done; printf '%s|%s\\n' "$AGENTMUX_TAG" "$PWD"; } >> '${log}'`;
	await writeFile(join(bin, name), `#!/bin/sh\n${say}\n${script}\n`);
	await chmod(join(bin, name), 0o755);
}

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({PATH: `${bin}:${process.env['PATH']}`, ...more});
/** What was started since the last call. */
async function started(): Promise<string[]> {
	const log = join(home.path, 'started.log');
	const text = await readFile(log, 'utf8').catch(() => '');
	await rm(log, {force: true});
	return text.split('\n').filter(line => line !== '');
}

describe('run', () => {
	test('joins once, starts the client in the folder as the agent, and exits as it does', async () => {
		const project = await folder('project');
		const first = await home.run(['run', 'RUNNER', '--dir', project, '--role', 'runs'], {env: env()});
		expect(first).toMatchObject({code: 0, stdout: ''});
		expect(first.stderr).toContain(`RUNNER has joined in ${project}`);
		expect(await started()).toEqual([`claude|RUNNER|${project}`]);
		expect(await home.json<Agent[]>(['agents'])).toMatchObject([{tag: 'RUNNER', role: 'runs'}]);
		await home.output(['run', 'RUNNER', '--dir', project, '--role', 'runs on'], {env: env()});
		expect(await home.json<Agent[]>(['agents'])).toMatchObject([{tag: 'RUNNER', role: 'runs on'}]);
		await started();
		const second = await home.run(['run', 'runner', '--', 'claude', '-p', 'two words'], {
			cwd: project,
			env: env({CODE: '7'}),
		});
		expect(second).toEqual({code: 7, stdout: '', stderr: ''});
		expect(await started()).toEqual([`claude|-p|two words|runner|${project}`]);
	});

	test("starts a second agent in another one's folder, and leaves its files alone", async () => {
		const project = await folder('of two');
		await home.output(['join', 'FIRST', '--dir', project]);
		const before = await readFile(join(project, '.mcp.json'), 'utf8');
		await started();
		const words = ['run', 'SECOND', '--dir', project];
		const {stderr, code} = await home.run(words, {env: env()});
		expect(code).toBe(0);
		expect(stderr).toContain(`SECOND has joined, without files of its own: ${project} is another agent's folder.`);
		expect(await started()).toContain(`claude|SECOND|${project}`);
		expect(await readFile(join(project, '.mcp.json'), 'utf8')).toBe(before);
		expect(await home.run(words, {env: env()})).toEqual({code: 0, stdout: '', stderr: ''});
		expect(await home.json<{tag: string}[]>(['agents', 'folders'])).not.toContainEqual(
			expect.objectContaining({tag: 'SECOND'}),
		);
		expect(await home.run(['send', 'hello'], {cwd: project, env: {CLAUDECODE: '1'}})).toMatchObject({code: 0});
		expect(await home.output(['leave', '--all'])).toMatch(/^SECOND has left\.$/m);
		expect(await readdir(join(home.path, 'data/agents'))).toEqual([]);
	});

	test('joins for the client that is named after --', async () => {
		const project = await folder('for codex');
		await mkdir(join(bin, 'other'), {recursive: true});
		await program('other/codex', 'say codex "$@"');
		const words = ['run', 'CODER', '--dir', project, '--', join(bin, 'other/codex')];
		const {stderr, code} = await home.run(words, {env: env()});
		expect(code).toBe(0);
		expect(stderr).toContain('CODER has joined in');
		expect((await readdir(project)).sort()).toEqual(['.codex', 'AGENTS.md']);
	});

	test.each([
		['nosuchprogram', 'there is no such program (ENOENT). Install it, or give its path after --.'],
		['/nowhere/codex', 'there is no such program (ENOENT). Install it, or give its path after --.'],
		['plain', 'it is not an executable file (EACCES). Make it executable (chmod +x), or give another after --.'],
		['./sub', 'it is not an executable file (EACCES). Make it executable (chmod +x), or give another after --.'],
	])('does not join for %s, which cannot be started', async (word, why) => {
		const project = await folder('unstarted');
		await mkdir(join(project, 'sub'), {recursive: true});
		await writeFile(join(bin, 'plain'), '#!/bin/sh\n', {mode: 0o644});
		const ended = await home.run(['run', 'UNSTARTED', '--dir', project, '--', word], {env: env()});
		expect(ended).toEqual({code: 1, stdout: '', stderr: `agentmux: \`${word}\` cannot be started: ${why}\n`});
		expect(await readdir(project)).toEqual(['sub']);
		expect((await home.json<Agent[]>(['agents'])).map(({tag}) => tag)).not.toContain('UNSTARTED');
	});

	test('of an agent of another folder says how to start it there, and suggests no flag that it lacks', async () => {
		const [there, here] = [await folder('there'), await folder('here')];
		await home.output(['join', 'SETTLED', '--dir', there]);
		const {code, stderr} = await home.run(['run', 'SETTLED', '--dir', here], {env: env()});
		expect(code).toBe(1);
		expect(stderr).toContain(
			`Start it there (\`agentmux run SETTLED --dir ${there}\`), use another tag here, or first leave there (\`agentmux leave SETTLED --dir ${there}\`).`,
		);
		const atHome = await home.run(['run', 'AT_HOME', '--dir', here], {env: env({HOME: here})});
		expect(atHome.stderr).toContain(`${here} is your home folder`);
		const alike = await home.run(['run', 'HUMAN_', '--dir', here], {env: env()});
		expect(alike.stderr).toContain('HUMAN_ looks like HUMAN');
		for (const text of [stderr, atHome.stderr, alike.stderr]) expect(text).not.toContain('--force');
		await home.output(['leave', 'SETTLED', '--dir', there]);
	});

	test.each([
		[['run'], 'No agent given.'],
		[['run', 'HUMAN'], 'HUMAN is reserved'],
		[['run', 'codex'], '`codex` is a program, not a tag. Name the agent first'],
		[['run', '--', 'claude', '-p', 'hello'], '`claude` is a program, not a tag.'],
		[['run', '--', '/bin/sh', '-c', 'true'], '`/bin/sh` is a program, not a tag.'],
		[['run', 'A', '--client', 'x'], 'Unknown client `x`.'],
	])('%j is wrong usage', async (words, sentence) => {
		expect(await home.run(words)).toMatchObject({code: 2, stderr: expect.stringContaining(sentence)});
	});
});

describe('up', () => {
	const recipe = ['--recipe', 'researcher-writer', '--tags', 'W,R'];

	test('prints the commands where there is no terminal for tmux', async () => {
		const dir = await folder('printed');
		const said = await home.output(['up', ...recipe, '--dir', dir], {env: env()});
		expect(said).toMatch(/^Start each in its own terminal:\n {2}cd \S+\/printed\/\w+ && AGENTMUX_TAG=[RW] claude\n/);
		// Where it was started by npm, a command that also works outside of this checkout.
		expect(said).toMatch(/\n {2}(\/\S+\/bin\/)?agentmux\n$/);
		expect((await readdir(dir)).sort()).toEqual(['researcher', 'writer']);
		await home.output(['leave', '--recipe', 'researcher-writer', '--tags', 'W,R', '--dir', dir]);
	});

	test('opens a window for each agent and the screen, in a session or in the one where it runs', async () => {
		const dir = await folder('windows');
		const words = [cli, 'up', ...recipe, '--dir', dir];
		const up = async (more: NodeJS.ProcessEnv): Promise<string[]> => {
			await started();
			const terminal = spawn([process.execPath, ...words], {cols: 100, rows: 30, env: home.env(env(more))});
			await terminal.exited;
			return (await started())
				.filter(line => line.startsWith('tmux|'))
				.map(line => line.split('|').slice(1, -2).join('|'));
		};
		const line = (tag: string) => `/bin/sh|-c|AGENTMUX_TAG=${tag} claude; exec "\${SHELL:-/bin/sh}"`;
		const screen = `/bin/sh|-c|${join(home.path, 'data/bin/agentmux')}; exec "\${SHELL:-/bin/sh}"`;
		const session = 'agentmux-researcher-writer';
		expect(await up({TMUX: ''})).toEqual([
			'-V',
			`has-session|-t|=${session}`,
			`new-session|-d|-s|${session}|-n|W|-c|${dir}/writer|${line('W')}`,
			`new-window|-t|=${session}:|-n|R|-c|${dir}/researcher|${line('R')}`,
			`new-window|-t|=${session}:|-n|agentmux|-c|${dir}/writer|${screen}`,
			`attach-session|-t|=${session}`,
		]);
		const list = 'list-windows|-F|#{window_name}';
		expect(await up({TMUX: '/tmp/tmux,1,0'})).toEqual([
			'-V',
			list,
			`new-window|-n|W|-c|${dir}/writer|${line('W')}`,
			`new-window|-n|R|-c|${dir}/researcher|${line('R')}`,
			`new-window|-n|agentmux|-c|${dir}/writer|${screen}`,
		]);
		// Once more: one of the windows was closed.
		expect(await up({TMUX: '/tmp/tmux,1,0', WINDOWS: 'bash\nW\nagentmux'})).toEqual([
			'-V',
			list,
			`new-window|-n|R|-c|${dir}/researcher|${line('R')}`,
		]);
		await home.output(['leave', '--recipe', 'researcher-writer', '--tags', 'W,R', '--dir', dir]);
	});

	test('--print sets nothing up', async () => {
		const dir = await folder('unchanged');
		expect(await home.output(['up', ...recipe, '--dir', dir, '--print'], {env: env()})).toContain(
			'AGENTMUX_TAG=R claude',
		);
		expect(await readdir(dir)).toEqual([]);
	});

	test('suggests other tags where some are taken, and no flag that it lacks', async () => {
		const [dir, other] = [await folder('taken'), await folder('other')];
		await home.output(['join', 'W', '--dir', other]);
		const {code, stderr} = await home.run(['up', ...recipe, '--dir', dir], {env: env()});
		expect(code).toBe(1);
		expect(stderr).toMatch(/Give the recipe's agents other tags: --tags W_2,R_2\.\n$/);
		await home.output(['leave', 'W', '--dir', other]);
	});

	test('needs a recipe', async () => {
		expect(await home.run(['up'])).toMatchObject({code: 2, stderr: expect.stringContaining('use `agentmux run TAG`')});
	});
});

describe('agents', () => {
	test('lists the folders, and says where files of join are missing', async () => {
		const project = await folder('listed');
		await home.output(['join', 'LISTED', '--dir', project]);
		const places = async () =>
			(await home.json<{tag: string}[]>(['agents', 'folders'])).filter(({tag}) => tag === 'LISTED');
		expect(await places()).toEqual([
			{tag: 'LISTED', folder: project, clients: ['Claude Code'], files: 'set up', headless: false},
		]);
		await rm(join(project, '.claude'), {recursive: true});
		const sentence = `agentmux: LISTED: files missing in ${project}: run \`agentmux join LISTED --dir ${project}\`.\n`;
		for (const words of [['agents'], ['agents', 'folders']]) {
			expect((await home.run(words)).stderr).toContain(sentence);
		}
		await home.output(['join', 'LISTED', '--dir', project]);
		expect(await places()).toMatchObject([{files: 'set up'}]);
		await home.output(['leave', 'LISTED', '--dir', project]);
	});

	test('says which agent asks for permissions only in its terminal, because its hooks are of an earlier version', async () => {
		const project = await folder('before');
		await home.output(['join', 'BEFORE', '--dir', project]);
		expect((await home.run(['agents'])).stderr).not.toContain('BEFORE');
		const file = join(project, '.claude/settings.local.json');
		const text = await readFile(file, 'utf8');
		expect(text).toContain('"timeout": 600');
		await writeFile(file, text.replace('"timeout": 600', '"timeout": 5'));
		expect((await home.run(['agents'])).stderr).toContain(
			`agentmux: BEFORE: asks for permissions only in its terminal, because ${project} was joined with an earlier version: ` +
				`run \`agentmux join BEFORE --dir ${project}\`.\n`,
		);
		await home.output(['join', 'BEFORE', '--dir', project]);
		expect((await home.run(['agents'])).stderr).not.toContain('BEFORE');
		await home.output(['leave', 'BEFORE', '--dir', project]);
	});

	test('says whose credentials are damaged, and so does leave --all, which takes the others out', async () => {
		const [torn, whole] = [await folder('torn'), await folder('whole')];
		await home.output(['join', 'TORN', '--dir', torn]);
		await home.output(['join', 'WHOLE', '--dir', whole]);
		const file = join(home.path, 'data/agents/TORN.json');
		const text = await readFile(file, 'utf8');
		await writeFile(file, text.slice(0, 20));
		const sentence = `agentmux: ${file} cannot be read (it is damaged). Remove it, and join again.\n`;
		for (const words of [['agents'], ['agents', 'folders']])
			expect(await home.run(words)).toMatchObject({code: 0, stderr: expect.stringContaining(sentence)});
		const {code, stdout, stderr} = await home.run(['leave', '--all']);
		expect({code, stdout}).toMatchObject({code: 1, stdout: expect.stringContaining(`WHOLE has left ${whole}.`)});
		expect(stderr).toContain(sentence);
		expect(await readdir(whole)).toEqual([]);
		await writeFile(file, text);
		expect(await home.run(['leave', '--all'])).toMatchObject({code: 0, stderr: ''});
		expect(await readdir(torn)).toEqual([]);
	});

	test('forget takes one that has left off the list, and keeps its messages', async () => {
		const project = await folder('forgotten');
		await home.output(['join', 'GONE_1', '--dir', project]);
		expect((await home.run(['agents', 'forget', 'GONE_1'])).stderr).toContain(
			`GONE_1 has joined in ${project}. First run \`agentmux leave GONE_1 --dir ${project}\`.`,
		);
		await home.output(['send', '--as', 'GONE_1', 'remember me'], {cwd: project});
		await home.output(['leave', 'GONE_1', '--dir', project]);
		const asAgent = await home.run(['agents', 'forget', 'GONE_1'], {env: {CLAUDECODE: '1'}});
		expect(asAgent).toMatchObject({code: 1, stderr: expect.stringContaining('only a human can forget an agent')});
		expect(await home.output(['agents', 'forget', 'gone_1'])).toBe('GONE_1 is forgotten. Its messages stay.\n');
		expect((await home.json<Agent[]>(['agents'])).map(({tag}) => tag)).not.toContain('GONE_1');
		expect(await home.output(['tail', '--tag', 'GONE_1'])).toContain('remember me');
		expect(await home.run(['agents', 'forget', 'GONE_1'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('There is no agent'),
		});
	});

	test('forget does not let a revoked one in again', async () => {
		const project = await folder('revoked');
		await home.output(['join', 'BAD_1', '--dir', project]);
		await home.output(['agents', 'revoke', 'BAD_1']);
		await home.output(['leave', 'BAD_1', '--dir', project]);
		expect(await home.run(['agents', 'forget', 'BAD_1'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('BAD_1 is revoked, and to forget it would let it in again.'),
		});
	});
});

describe('the plugin', () => {
	let plugin: string;
	const server = async (project: string) => {
		const {mcpServers} = JSON.parse(await readFile(join(plugin, '.mcp.json'), 'utf8')) as {
			mcpServers: {agentmux: {command: string; args: string[]}};
		};
		const client = new Client({name: 'test', version: '1'});
		await client.connect(new StdioClientTransport({...mcpServers.agentmux, cwd: project, stderr: 'ignore'}));
		return client;
	};

	test('is written whole, and again without a change', async () => {
		const said = await home.output(['plugin']);
		plugin = join(home.path, 'data/plugin');
		expect(said).toContain(`claude plugin marketplace add ${plugin}\n`);
		const files = (await readdir(plugin, {recursive: true, withFileTypes: true}))
			.filter(entry => entry.isFile())
			.map(({parentPath, name}) => join(parentPath, name).slice(plugin.length + 1));
		expect(files.sort()).toEqual([
			'.claude-plugin/marketplace.json',
			'.claude-plugin/plugin.json',
			'.mcp.json',
			'README.md',
			'hooks/hooks.json',
			'monitors/monitors.json',
			'skills/inbox/SKILL.md',
			'skills/send/SKILL.md',
			'skills/tasks/SKILL.md',
		]);
		// Nor does the next command complain of modes.
		expect(await home.run(['plugin'])).toEqual({code: 0, stdout: said, stderr: ''});
	});

	test('and what else npm has started name commands that can be typed there, or anywhere if they are for other folders', async () => {
		const npm = {npm_config_user_agent: 'npm/11.4.2 node/v24.1.0 linux x64'};
		const said = await home.output(['plugin'], {env: npm});
		expect(said).toMatch(new RegExp(`^ {2}${join(home.path, 'data/bin/agentmux')} join TAG --plugin$`, 'm'));
		const refused = await home.run(['leave', 'NOBODY'], {env: npm});
		expect(refused.stderr).toContain('See `npx agentmux agents folders` for who');
		const wrong = await home.run(['tasks', 'claim', '999999'], {env: npm});
		expect(wrong.stderr).toContain('`npx agentmux tasks` lists tasks.');
	});

	test('serves the agent of the folder, and no tools where nobody has joined or join has written a server', async () => {
		const [joined, other] = [await folder('with plugin'), await folder('without')];
		const tools = async (project: string): Promise<number> => {
			const client = await server(project);
			const count = client.getServerCapabilities()?.tools === undefined ? 0 : (await client.listTools()).tools.length;
			await client.close();
			return count;
		};
		expect(await tools(other)).toBe(0);
		await home.output(['join', 'PLUGGED', '--dir', joined, '--plugin']);
		expect(await readdir(joined)).toEqual(['.claude']);
		expect(await tools(joined)).toBeGreaterThan(10);
		await home.output(['join', 'PLUGGED', '--dir', joined]);
		expect(await tools(joined)).toBe(0);
		await home.output(['leave', 'PLUGGED', '--dir', joined]);
		expect(await readdir(joined)).toEqual([]);
	});

	test('is not for a folder in which an agent has files of its own, which nobody would remove', async () => {
		const dir = await folder('with files');
		await home.output(['join', 'FILED', '--dir', dir]);
		const refused = await home.run(['join', 'PLUGGED_2', '--dir', dir, '--plugin']);
		expect(refused.code).toBe(1);
		expect(refused.stderr).toContain(
			`FILED has joined in ${dir} without the plugin. Leave first: \`agentmux leave FILED`,
		);
		await home.output(['leave', 'FILED', '--dir', dir]);
		expect(await readdir(dir)).toEqual([]);
	});

	test.each([[['--client', 'codex']], [['--headless']]])('is not for %j', async more => {
		const {code, stderr} = await home.run(['join', 'PLUGGED', '--plugin', ...more]);
		expect({code, stderr}).toMatchObject({
			code: 2,
			stderr: expect.stringContaining('--plugin is for one agent of Claude Code.'),
		});
	});
});

describe('the status line', () => {
	test('says what the agent’s server last knew, by the folder that the client names; elsewhere nothing', async () => {
		const project = await folder('status');
		await home.output(['join', 'STATUS_1', '--dir', project]);
		const input = JSON.stringify({cwd: home.path, workspace: {project_dir: project}});
		const line = async (more: NodeJS.ProcessEnv = {}) => home.output(['statusline'], {input, env: more});
		expect(await home.output(['statusline'], {input: '{}', cwd: home.path})).toBe('');
		expect(await line()).toBe('STATUS_1: mailbox not open\n');
		const client = new Client({name: 'test', version: '1'});
		const {mcpServers} = JSON.parse(await readFile(join(project, '.mcp.json'), 'utf8')) as {
			mcpServers: {agentmux: {command: string; args: string[]}};
		};
		// As an interactive Claude Code says who it is.
		const own = {CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_SESSION_ID: 'status-1'};
		await client.connect(new StdioClientTransport({...mcpServers.agentmux, cwd: project, env: own, stderr: 'ignore'}));
		await vi.waitFor(async () => expect(await line()).toBe('STATUS_1: no new mail\n'), {
			timeout: 30_000,
			interval: 300,
		});
		await home.output(['send', '--to', 'STATUS_1', 'news']);
		await vi.waitFor(async () => expect(await line()).toBe('STATUS_1: 1 new message\n'), {
			timeout: 30_000,
			interval: 300,
		});
		await client.close();
		await vi.waitFor(async () => expect(await line()).toBe('STATUS_1: mailbox not open\n'), {
			timeout: 30_000,
			interval: 300,
		});
	});
});

describe('join', () => {
	test('says that a client is another version than the one that was tried, and goes on', async () => {
		const project = await folder('versions');
		await program('codex', 'echo codex-cli 0.170.1');
		const {code, stderr} = await home.run(['join', 'VERSIONS', '--dir', project, '--client', 'claude,codex'], {
			env: env(),
		});
		expect({code, stderr}).toEqual({
			code: 0,
			stderr: 'agentmux: Codex 0.170.1 is newer than the version that agentmux was tried with (0.169.0).\n',
		});
	});

	test('says that a Claude Code which runs there already gets its tools later, unless it has the server from before', async () => {
		const [project, config] = [await folder('running'), await folder('config')];
		await mkdir(join(config, 'sessions'), {recursive: true});
		const own = {CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/7.sock', CLAUDE_PID: String(process.pid)};
		await writeFile(
			join(config, `sessions/${process.pid}.json`),
			JSON.stringify({cwd: project, pid: process.pid, messagingSocketPath: own.CLAUDE_CODE_MESSAGING_SOCKET}),
		);
		const sentence =
			'A Claude Code is running there already: it gets its tools and its mail when it is started again.\n';
		const words = ['join', 'LATER', '--dir', project];
		expect(await home.output(words, {env: {CLAUDE_CONFIG_DIR: config}})).toContain(sentence);
		expect(await home.output(words, {env: {CLAUDE_CONFIG_DIR: config}})).not.toContain(sentence);
		await home.output(['leave', 'LATER', '--dir', project]);
		const claim = claimClient(join(home.path, 'state'), own, 'LATER');
		expect(await home.output(words, {env: {CLAUDE_CONFIG_DIR: config}})).not.toContain(sentence);
		claim.release();
	});
});

describe('leave', () => {
	test('where an agent has not joined says where it has, and fails', async () => {
		const [joined, other] = [await folder('joined here'), await folder('elsewhere')];
		await home.output(['join', 'PLACED', '--dir', joined]);
		expect(await home.run(['leave', 'PLACED', '--dir', other])).toEqual({
			code: 1,
			stdout: '',
			stderr: `agentmux: PLACED has not joined in ${other}; nothing was changed. To leave where it has joined: \`agentmux leave PLACED --dir '${joined}'\`\n`,
		});
		await home.output(['leave', 'PLACED', '--dir', joined]);
		expect((await home.run(['leave', 'PLACED', '--dir', joined])).stderr).toContain(
			'nothing was changed. See `agentmux agents folders` for who has joined where.\n',
		);
	});

	test('names no folder for an agent that has none of its own', async () => {
		const [project, other] = [await folder('shared'), await folder('never there')];
		await home.output(['join', 'OWNER', '--dir', project]);
		await home.run(['run', 'BESIDE', '--dir', project], {env: env()});
		expect(await home.output(['leave', 'BESIDE', '--dir', other])).toBe('BESIDE has left.\n');
		await home.output(['leave', 'OWNER', '--dir', project]);
	});
});

describe('leave --all', () => {
	test('is for humans, takes no tag, and undoes every join', async () => {
		expect(await home.run(['leave', 'A', '--all'])).toMatchObject({code: 2});
		expect(await home.run(['leave', '--all'], {env: {CLAUDECODE: '1'}})).toMatchObject({code: 1});
		const [one, two] = [await folder('one'), await folder('two')];
		await home.output(['join', 'BOTH', '--dir', one]);
		await home.output(['join', 'BOTH', '--dir', two, '--force']);
		const broken = await folder('broken');
		await home.output(['join', 'A_BROKEN', '--dir', broken]);
		await writeFile(join(broken, '.mcp.json'), '{,');
		const lost = await folder('lost');
		await home.output(['join', 'LOST', '--dir', lost]);
		await rename(lost, `${lost}-found`);
		const {code, stdout: said, stderr} = await home.run(['leave', '--all']);
		expect(code).toBe(1);
		expect(stderr).toContain(
			`There is no ${lost}. If it was moved, leave there as well: \`agentmux leave LOST --dir DIR\`\n`,
		);
		await home.output(['leave', 'LOST', '--dir', `${lost}-found`]);
		expect(await readdir(`${lost}-found`)).toEqual([]);
		expect(stderr).toContain(`A_BROKEN has not left ${broken}: ${join(broken, '.mcp.json')} is not valid JSON`);
		expect(said).toContain(`BOTH has left ${one}.`);
		expect(said).toContain(`BOTH has left ${two}.`);
		expect([await readdir(one), await readdir(two)]).toEqual([[], []]);
		await rm(join(broken, '.mcp.json'));
		expect(await home.run(['leave', '--all'])).toMatchObject({code: 0});
		expect(await readdir(join(home.path, 'data/agents'))).toEqual([]);
		expect(await home.run(['leave', '--all'])).toMatchObject({
			code: 0,
			stderr: 'agentmux: No agent has joined on this machine; nothing was changed.\n',
		});
	});
});
