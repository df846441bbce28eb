import {spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import {mkdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn} from '../helpers/terminal.ts';

/** What each client sets in the shells that it opens. */
const markers: readonly (readonly [name: string, env: NodeJS.ProcessEnv])[] = [
	['Claude Code', {CLAUDECODE: '1'}],
	['Claude Code', {CLAUDE_CODE_ENTRYPOINT: 'cli'}],
	['Claude Code', {CLAUDE_CODE_SESSION_ID: 'a-b-c'}],
	['Codex', {CODEX_THREAD_ID: '01234'}],
	['Codex', {CODEX_SANDBOX: 'seatbelt'}],
	['Codex', {CODEX_SANDBOX_NETWORK_DISABLED: '1'}],
	['Codex', {CODEX_CI: '1'}],
	['Gemini CLI', {GEMINI_CLI: '1'}],
];

/** What a human may have set for them in every shell. */
const settings: NodeJS.ProcessEnv = {
	CODEX_HOME: '/tmp/codex',
	GEMINI_API_KEY: 'x',
	CLAUDE_CODE_USE_BEDROCK: '1',
	CLAUDE_CODE_SSE_PORT: '1234',
	CLAUDECODE: '',
};

let home: Home;
let folder: string;
let shared: string;
let elsewhere: string;
beforeAll(async () => {
	home = await Home.make();
	folder = join(home.path, 'project');
	shared = join(home.path, 'shared');
	elsewhere = join(home.path, 'elsewhere');
	for (const each of [folder, shared, elsewhere, join(folder, 'below/deep')]) await mkdir(each, {recursive: true});
	await home.output(['join', 'CLAUDE_1', '--dir', folder]);
	await home.output(['join', 'CLAUDE_2', '--dir', shared]);
	await home.output(['join', 'REVIEWER', '--client', 'codex', '--dir', shared]);
	await symlink(join(folder, 'below'), join(home.path, 'link'));
});
afterAll(() => home.dispose());

const send = (cwd: string, env: NodeJS.ProcessEnv = {}, ...more: string[]) =>
	home.json<Message>(['send', ...more, 'hello'], {cwd, env});

const agent = {tag: 'CLAUDE_1', author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true};
const human = {tag: 'HUMAN', author_tag: 'HUMAN', author_kind: 'human', verified: true};

describe('who a command is', () => {
	test.each(markers)('in the shell of %s %o, in a joined folder: its agent', async (_, env) => {
		expect(await send(folder, env)).toMatchObject(agent);
	});

	test.each(markers)('in the shell of %s %o, where nobody has joined: an error', async (name, env) => {
		for (const words of [['send', 'hello'], ['tail'], ['inbox'], ['sql', 'select 1'], ['agents'], []]) {
			const {code, stdout, stderr} = await home.run(words, {cwd: elsewhere, env});
			expect({words, code, stdout}).toEqual({words, code: 1, stdout: ''});
			expect(stderr).toMatch(
				new RegExp(`^agentmux: ${name} runs this in [^\\n]*where no agent has joined\\. [^\\n]+\\n$`),
			);
		}
	});

	test('settings of a human for those programs do not make anybody an agent', async () => {
		expect(await send(elsewhere, settings)).toMatchObject(human);
	});

	test.each(['.', 'below', 'below/deep', '../link', '../link/deep'])(
		'without a client, in %s of a joined folder: its agent',
		async name => {
			expect(await send(join(folder, name))).toMatchObject(agent);
		},
	);

	test('the nearest joined folder counts', async () => {
		const inner = join(folder, 'inner');
		await mkdir(inner);
		await home.output(['join', 'INNER', '--dir', inner]);
		expect(await send(inner)).toMatchObject({author_tag: 'INNER'});
		await home.output(['leave', 'INNER', '--dir', inner]);
		expect(await send(inner)).toMatchObject(agent);
	});

	test('the client, or AGENTMUX_TAG, chooses between two agents in one folder', async () => {
		expect(await send(shared, {CLAUDECODE: '1'})).toMatchObject({author_tag: 'CLAUDE_2'});
		expect(await send(shared, {CODEX_THREAD_ID: '1'})).toMatchObject({author_tag: 'REVIEWER'});
		const {code, stderr} = await home.run(['send', 'hello'], {cwd: shared});
		expect(code).toBe(1);
		expect(stderr).toBe(
			`agentmux: CLAUDE_2 and REVIEWER have joined in ${shared}. Set AGENTMUX_TAG to the one you mean.\n`,
		);
		expect(await send(shared, {AGENTMUX_TAG: 'reviewer', GEMINI_CLI: '1'})).toMatchObject({author_tag: 'REVIEWER'});
	});

	test('an agent that replaced another is the one of the folder', async () => {
		const taken = join(home.path, 'taken');
		await mkdir(taken);
		await home.output(['join', 'FORMER', '--dir', taken]);
		await home.output(['join', 'LATTER', '--dir', taken]);
		expect(await send(taken, {CLAUDECODE: '1'})).toMatchObject({author_tag: 'LATTER'});
	});

	test('AGENTMUX_TAG names an agent where nobody has joined, but no human, and no other agent in a joined folder', async () => {
		const env = {CLAUDECODE: '1'};
		expect(await send(elsewhere, {...env, AGENTMUX_TAG: 'LOOSE'})).toMatchObject({author_tag: 'LOOSE', verified: true});
		for (const [cwd, tag, why] of [
			[elsewhere, 'HUMAN', /^agentmux: Claude Code runs this in [^\n]+, where no agent has joined[^\n]+\n$/],
			[folder, 'CLAUDE_2', /^agentmux: AGENTMUX_TAG is [^\n]+\n$/],
		] as const) {
			const {code, stdout, stderr} = await home.run(['send', 'hello'], {cwd, env: {...env, AGENTMUX_TAG: tag}});
			expect({code, stdout}).toEqual({code: 1, stdout: ''});
			expect(stderr).toMatch(why);
		}
		// Without a client and without a terminal nobody is a human who says so.
		expect(await home.run(['send', 'hello'], {cwd: folder, env: {AGENTMUX_TAG: 'HUMAN'}})).toMatchObject({
			code: 1,
			stderr: `agentmux: AGENTMUX_TAG is HUMAN, but ${folder} is the folder of CLAUDE_1, and this runs without a terminal. Unset AGENTMUX_TAG, or run this in your own terminal.\n`,
		});
	});

	test.each(['HUMAN', 'boss', 'SYSTEM'])(
		'a client that was started in a shell with AGENTMUX_TAG=%s is the agent of its folder',
		async tag => {
			const config = join(home.path, 'config.toml');
			await writeFile(config, 'tag = "BOSS"\n');
			onTestFinished(() => rm(config));
			const env = {CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli', AGENTMUX_TAG: tag};
			const {stdout, stderr} = await home.run(['send', '--json', 'hello'], {cwd: folder, env});
			expect(JSON.parse(stdout)).toMatchObject(agent);
			expect(stderr).toBe(
				`agentmux: AGENTMUX_TAG is ${tag}, but Claude Code runs this, and ${folder} is the folder of CLAUDE_1: this acts as CLAUDE_1.\n`,
			);
			// Its server and its hooks, too.
			const said: string[] = [];
			const server = home.start(['mcp', '--as', 'CLAUDE_1'], {cwd: folder, env});
			onTestFinished(() => void server.kill('SIGKILL'));
			server.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
			const call = {method: 'tools/call', params: {name: 'send_message', arguments: {text: `from the server, ${tag}`}}};
			const client = {protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {name: 'test', version: '1'}};
			for (const request of [
				{id: 1, method: 'initialize', params: client},
				{method: 'notifications/initialized'},
				{id: 2, ...call},
			])
				server.stdin.write(`${JSON.stringify({jsonrpc: '2.0', ...request})}\n`);
			const sent = async () =>
				(await home.json<Message[]>(['search', `"from the server, ${tag}"`], {cwd: elsewhere})).map(
					({author_tag, verified}) => ({author_tag, verified}),
				);
			await expect.poll(sent, {timeout: 20_000}).toEqual([{author_tag: 'CLAUDE_1', verified: true}]);
			expect(said.join('')).toBe(`agentmux: AGENTMUX_TAG is ${tag}, which is no agent's tag; it is ignored.\n`);
			await home.output(['send', '--to', 'CLAUDE_1', `for the hook, ${tag}`], {cwd: elsewhere});
			const hook = await home.run(['hook', 'UserPromptSubmit'], {
				cwd: folder,
				env: {...env, AGENTMUX_HOOK_TIMEOUT: '10000'},
				input: JSON.stringify({session_id: 's', hook_event_name: 'UserPromptSubmit'}),
			});
			expect(hook.stdout).toContain(`for the hook, ${tag}`);
			// The human's own commands in that shell stay the human's.
			if (tag !== 'boss') return;
			const own = spawn([process.execPath, cli, 'send', '--json', 'typed by the boss'], {
				cwd: folder,
				cols: 200,
				env: {AGENTMUX_HOME: home.path, AGENTMUX_TAG: tag},
			});
			await own.waitFor('"author_kind":"human"');
			expect(await own.exited).toBe(0);
		},
	);

	test('a client that was started with an AGENTMUX_TAG that is no tag is nobody, and its user is told', async () => {
		const env = {CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli', AGENTMUX_TAG: 'not a tag'};
		const said =
			'`not a tag` (AGENTMUX_TAG) is not a tag. A tag is a letter, then up to 31 letters, digits, `_` or `-`: CLAUDE_1.';
		const commands = [
			['send', 'hello'],
			['tail'],
			['mcp', '--as', 'CLAUDE_1'],
			['mcp', '--supabase', '--as', 'CLAUDE_1'],
			['mcp', '--supabase'],
		];
		for (const words of commands) {
			const end = await home.run(words, {cwd: folder, env});
			expect(end).toMatchObject({code: 1, stdout: '', stderr: `agentmux: ${said}\n`});
		}
		await home.output(['send', '--to', 'CLAUDE_1', 'for whoever it is'], {cwd: elsewhere});
		const hook = async (event: string) => {
			const input = JSON.stringify({session_id: 's', hook_event_name: event});
			return (await home.run(['hook', event], {cwd: folder, env, input})).stdout;
		};
		expect(JSON.parse(await hook('SessionStart'))).toEqual({
			systemMessage: `agentmux: new mail is not handed over: ${said}`,
		});
		expect(await hook('UserPromptSubmit')).toBe('');
	});

	test('a human in a terminal in the folder is asked for an identity', async () => {
		const start = (env: Record<string, string>) =>
			spawn([process.execPath, cli, 'send', '--json', 'typed'], {
				cwd: folder,
				cols: 200,
				env: {AGENTMUX_HOME: home.path, ...env},
			});
		const told = start({});
		await told.waitFor(`In ${folder} commands act as CLAUDE_1`);
		await told.waitFor('"author_tag":"CLAUDE_1"');
		await told.exited;
		const own = start({AGENTMUX_TAG: 'HUMAN'});
		await own.waitFor('"author_tag":"HUMAN"');
		expect(await own.exited).toBe(0);
	});

	test('the screen is the human, in a joined folder too; for a client it is a snapshot', async () => {
		const start = (env: Record<string, string>) =>
			spawn([process.execPath, cli], {cwd: folder, env: {AGENTMUX_HOME: home.path, ...env}});
		const screen = start({});
		await screen.waitFor('HUMAN');
		screen.write('cfrom the screen');
		await screen.waitFor('from the screen');
		screen.write('\r');
		const posted = async () => (await home.json<Message[]>(['search', '"from the screen"'], {cwd: elsewhere}))[0];
		await expect.poll(posted, {timeout: 20_000}).toMatchObject({author_tag: 'HUMAN', author_kind: 'human'});
		screen.write('\u0003\u0003');
		await screen.exited;
		const snapshot = start({GEMINI_CLI: '1'});
		expect(await snapshot.exited).toBe(0);
		expect(snapshot.alternate).toBe(false);
	});

	test('config says so', async () => {
		const tagOf = async (cwd: string, env = {}) => {
			const {settings} = await home.json<{settings: {name: string; value: string; from: string}[]}>(['config'], {
				cwd,
				env,
			});
			return settings.find(({name}) => name === 'tag');
		};
		expect(await tagOf(join(folder, 'below'))).toMatchObject({value: 'CLAUDE_1 (agent)', from: folder});
		expect(await tagOf(elsewhere)).toMatchObject({value: 'HUMAN (human)', from: 'default'});
		expect(await tagOf(elsewhere, {CLAUDECODE: '1'})).toMatchObject({value: 'nobody'});
	});
});

describe('--as', () => {
	test.each([
		['send', '--as', 'CLAUDE_2', 'x'],
		['send', '--as', 'HUMAN', 'x'],
		['inbox', '--as', 'CLAUDE_2'],
		['inbox', '--as', 'HUMAN'],
		['tasks', 'list', '--as', 'HUMAN'],
		['tasks', 'add', 'x', '--as', 'CLAUDE_2'],
		['mcp', '--as', 'CLAUDE_2'],
	])('%s %s %s %s is refused in the folder of another', async (...words) => {
		for (const env of [{}, {CLAUDECODE: '1'}]) {
			const {code, stdout, stderr} = await home.run(words.filter(Boolean), {cwd: folder, env});
			expect({code, stdout}).toEqual({code: 2, stdout: ''});
			expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		}
	});

	test('an MCP server of another is not started in the shell of a client elsewhere', async () => {
		const words = ['mcp', '--as', 'CLAUDE_2'];
		const {code, stdout, stderr} = await home.run(words, {cwd: elsewhere, env: {CLAUDECODE: '1'}});
		expect({code, stdout}).toEqual({code: 2, stdout: ''});
		expect(stderr).toMatch(/^agentmux: CLAUDE_2 has joined in [^\n]+\n$/);
		expect((await home.run(words, {cwd: elsewhere})).code).toBe(0);
		expect((await home.run(['mcp', '--as', 'NOBODY_YET'], {cwd: elsewhere, env: {CLAUDECODE: '1'}})).code).toBe(0);
	});

	test("an agent's own is allowed there, and any is for a human elsewhere", async () => {
		expect(await send(folder, {CLAUDECODE: '1'}, '--as', 'claude_1')).toMatchObject({author_tag: 'CLAUDE_1'});
		expect(await home.json(['inbox', '--as', 'CLAUDE_1'], {cwd: folder})).toBeInstanceOf(Array);
		expect(await send(elsewhere, {}, '--as', 'CLAUDE_2')).toMatchObject({tag: 'CLAUDE_2', author_tag: 'HUMAN'});
		expect(await home.json(['inbox', '--as', 'CLAUDE_2'], {cwd: elsewhere})).toBeInstanceOf(Array);
	});
});

describe('the rights of a human or the owner are refused to an agent by the server', () => {
	test.each([
		['agents', 'revoke', 'CLAUDE_2'],
		['agents', 'restore', 'CLAUDE_2'],
		['watch', 'tasks', '--to', 'CLAUDE_1'],
		['sql', "insert into messages (content) values ('[HUMAN] forged')"],
	])('%s %s', async (...words) => {
		const {stderr} = await home.run(words.filter(Boolean), {cwd: folder, env: {CLAUDECODE: '1'}});
		expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		const [{revoked} = {revoked: -1}] = await home.json<{revoked: number}[]>(
			['sql', 'select count(revoked_at)::int as revoked from agents'],
			{cwd: elsewhere},
		);
		expect(revoked).toBe(0);
		const forged = await home.json<Message[]>(['search', 'forged'], {cwd: elsewhere});
		expect(forged.filter(({author_tag}) => author_tag !== 'CLAUDE_1')).toEqual([]);
	});

	test('only its own token is used', async () => {
		const file = join(home.path, 'data/agents/CLAUDE_1.json');
		const text = await readFile(file, 'utf8');
		const place = JSON.parse(text) as {token: string};
		await writeFile(file, JSON.stringify({...place, token: `${place.token.slice(0, -3)}AAA`}));
		const {code, stdout, stderr} = await home.run(['send', 'hello'], {cwd: folder, env: {CLAUDECODE: '1'}});
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		await writeFile(file, text);
	});
});

describe('a client that works as an agent', () => {
	// Its process has ended: a record outlives its server as long as the client runs.
	const pid = String(spawnSync(process.execPath, ['-e', '0']).pid);
	const session = {CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: 'session-1', CLAUDE_PID: pid};
	const words = ['send', 'hello'];
	const claims = (): string[] => {
		const path = join(home.path, 'state/clients');
		return existsSync(path) ? readdirSync(path) : [];
	};

	test("does not become another by AGENTMUX_TAG or in another's folder while its server runs", async () => {
		const server = home.start(['mcp', '--as', 'CLAUDE_1'], {cwd: folder, env: session});
		onTestFinished(() => void server.kill('SIGKILL'));
		server.stdout.resume();
		await expect.poll(claims, {timeout: 20_000}).toHaveLength(1);
		for (const [cwd, env, remedy] of [
			[folder, {AGENTMUX_TAG: 'CLAUDE_1'}, null],
			[folder, {}, null],
			[elsewhere, {AGENTMUX_TAG: 'CLAUDE_2'}, 'by AGENTMUX_TAG this would be CLAUDE_2. Unset AGENTMUX_TAG.'],
			[shared, {AGENTMUX_TAG: 'CLAUDE_2'}, 'by AGENTMUX_TAG this would be CLAUDE_2. Unset AGENTMUX_TAG.'],
			[join(shared, '..', 'shared'), {}, `by ${shared} this would be CLAUDE_2. Run this in the folder of CLAUDE_1.`],
		] as const) {
			const {code, stderr} = await home.run(words, {cwd, env: {...session, ...env}});
			const said = remedy === null ? '' : `agentmux: Claude Code works as CLAUDE_1 here, and ${remedy}\n`;
			expect([cwd, env, code, stderr]).toEqual([cwd, env, remedy === null ? 0 : 1, said]);
		}
		// Another session of the same program works there.
		const other = {...session, CLAUDE_CODE_SESSION_ID: 'session-2'};
		expect(await send(shared, other)).toMatchObject({author_tag: 'CLAUDE_2'});
		server.kill('SIGKILL');
		await once(server, 'close');
		// The file of a killed server is ignored, and the hub removes it when it next looks.
		expect(await send(shared, session)).toMatchObject({author_tag: 'CLAUDE_2'});
		expect((await home.run(['mcp', '--as', 'CLAUDE_2'], {cwd: shared, env: other})).code).toBe(0);
		await expect.poll(claims, {timeout: 60_000}).toEqual([]);
	});

	test("is the one of AGENTMUX_TAG in another's folder, if it was started so", async () => {
		const second = {...session, CLAUDE_CODE_SESSION_ID: 'session-3', AGENTMUX_TAG: 'CLAUDE_2'};
		const server = home.start(['mcp', '--as', 'CLAUDE_1'], {cwd: folder, env: second});
		onTestFinished(() => void server.kill('SIGKILL'));
		server.stdout.resume();
		await expect.poll(claims, {timeout: 20_000}).toHaveLength(1);
		expect(await send(folder, second)).toMatchObject({author_tag: 'CLAUDE_2', verified: true});
	});
});

test('a run without a user in the shell of a client is the agent of its folder, if that takes part in such runs', async () => {
	const [takesPart, doesNot] = await Promise.all(
		['takes part', 'does not'].map(async name => {
			const path = join(home.path, name);
			await mkdir(path);
			return path;
		}),
	);
	await home.output(['join', 'CLAUDE_8', '--dir', takesPart!, '--headless']);
	await home.output(['join', 'CLAUDE_9', '--dir', doesNot!]);
	const record = join(home.path, 'state/clients/any.CLAUDE_1.json');
	await mkdir(join(home.path, 'state/clients'), {recursive: true});
	// The client above is the process of this test.
	const client = {pid: process.pid, start: null};
	const outer = {tag: 'CLAUDE_1', pid: process.pid, client, session: 'outer', interactive: true};
	await writeFile(record, JSON.stringify(outer));
	onTestFinished(() => rm(record));
	const inner = {
		CLAUDECODE: '1',
		CLAUDE_CODE_ENTRYPOINT: 'sdk-cli',
		CLAUDE_CODE_EXECPATH: '/x',
		AGENTMUX_TAG: 'CLAUDE_1',
	};
	expect(await send(takesPart!, inner)).toMatchObject({author_tag: 'CLAUDE_8'});
	const {code, stderr} = await home.run(['send', 'hello'], {cwd: doesNot!, env: inner});
	expect({code, stderr}).toEqual({code: 1, stderr: expect.stringContaining('AGENTMUX_TAG is CLAUDE_1') as string});
	// Its server, too.
	const server = home.start(['mcp', '--as', 'CLAUDE_8', '--headless'], {
		cwd: takesPart!,
		env: {...inner, CLAUDE_CODE_SESSION_ID: 'inner'},
	});
	onTestFinished(() => void server.kill('SIGKILL'));
	server.stdout.resume();
	const clients = () => readdirSync(join(home.path, 'state/clients')).filter(name => !name.startsWith('any.'));
	await expect.poll(clients, {timeout: 20_000}).toEqual([expect.stringMatching(/\.CLAUDE_8\.json$/)]);
});

describe('commands that set agentmux up work for an agent as for a human', () => {
	test('join, leave, hub, config, help, mcp and hook', async () => {
		const env = {CLAUDECODE: '1'};
		const options = {cwd: elsewhere, env};
		await home.output(['join', 'SETUP', '--dir', elsewhere], options);
		expect(await send(elsewhere, env)).toMatchObject({author_tag: 'SETUP'});
		await home.output(['leave', 'SETUP', '--dir', elsewhere], options);
		for (const words of [
			['hub', 'status'],
			['hub', 'start'],
			['config'],
			['--help'],
			['send', '--help'],
			['--version'],
		]) {
			expect((await home.run(words, options)).code).toBe(0);
		}
		// An MCP server ends with its stdin, a hook says nothing where there is no mail.
		expect((await home.run(['mcp', '--as', 'CLAUDE_1'], {cwd: folder, env})).code).toBe(0);
		const hook = ['hook', 'SessionEnd', '--as', 'CLAUDE_1'];
		const patient = {...env, AGENTMUX_HOOK_TIMEOUT: '10000'};
		const input = JSON.stringify({session_id: 's'});
		expect(await home.run(hook, {cwd: folder, env: patient, input})).toEqual({code: 0, stdout: '', stderr: ''});
	});
});

describe('what an agent may not do to others', () => {
	const inside = {CLAUDECODE: '1'};

	test.each([
		['leave of another', ['leave', 'CLAUDE_2', '--dir'], 'an agent cannot remove CLAUDE_2'],
		['taking another tag by force', ['join', 'CLAUDE_2', '--force', '--dir'], 'only a human can use --force'],
		['putting a backup back', ['hub', 'restore'], 'only a human can restore a backup'],
	])('%s is refused with an error, and changes nothing', async (_, words, reason) => {
		const before = await readFile(join(shared, '.mcp.json'), 'utf8');
		const {code, stdout, stderr} = await home.run([...words, shared], {cwd: folder, env: inside});
		expect({code, stdout, stderr}).toEqual({code: 1, stdout: '', stderr: expect.stringContaining(reason) as string});
		expect(await readFile(join(shared, '.mcp.json'), 'utf8')).toBe(before);
		expect(await send(folder, inside)).toMatchObject(agent);
	});

	test('it may go itself', async () => {
		const own = join(home.path, 'own');
		await mkdir(own);
		await home.output(['join', 'GUEST', '--dir', own]);
		expect(await home.output(['leave', 'GUEST'], {cwd: own, env: inside})).toContain('GUEST has left');
	});
});
