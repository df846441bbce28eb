import {appendFileSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test, vi} from 'vitest';
import type {Sight} from '../../source/mailbox/sight/sight.ts';
import {fire, type HookEnd} from '../helpers/hook.ts';
import {startAgent} from '../helpers/mcp.ts';
import {cli, Home} from '../helpers/program.ts';

let home: Home;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
	home = await Home.make();
	for (const tag of ['CLAUDE_1', 'CLAUDE_2', 'CODEX_1', 'GEMINI_1']) {
		mkdirSync(join(home.path, tag));
		await home.output(['join', tag, '--dir', join(home.path, tag)]);
	}
});
afterAll(async () => {
	for (const end of ends.reverse()) await end();
	await home.dispose();
});

const peek = (tag: string) => home.json<Sight & {presence: string}>(['peek', tag]);
const until = (check: () => Promise<void>) => vi.waitFor(check, {timeout: 20_000, interval: 100});

/** A Claude Code that a test plays: its surroundings, and what it writes. */
function playClaude(tag: string, pid: number) {
	const own = join(home.path, `own-${tag}`);
	const socket = `/tmp/cc-socks/${pid}.sock`;
	const transcript = join(own, 'session-1.jsonl');
	mkdirSync(join(own, '.claude/sessions'), {recursive: true});
	writeFileSync(transcript, '');
	const env = {
		HOME: own,
		CLAUDE_CONFIG_DIR: join(own, '.claude'),
		CLAUDE_PROJECT_DIR: join(home.path, tag),
		CLAUDE_CODE_ENTRYPOINT: 'cli',
		CLAUDE_CODE_MESSAGING_SOCKET: socket,
	};
	return {
		env,
		transcript,
		write: (...entries: object[]) =>
			appendFileSync(
				transcript,
				entries
					.map(entry => `${JSON.stringify({sessionId: 'session-1', timestamp: new Date().toISOString(), ...entry})}\n`)
					.join(''),
			),
		report: (status: string, more: object = {}) =>
			writeFileSync(
				join(own, `.claude/sessions/${pid}.json`),
				JSON.stringify({messagingSocketPath: socket, status, statusUpdatedAt: Date.now(), ...more}),
			),
		hook: (event: string, input: object = {}): Promise<HookEnd> =>
			fire({home: home.path, tag, event, env, input: {session_id: 'session-1', transcript_path: transcript, ...input}}),
	};
}

const user = (content: string) => ({type: 'user', message: {role: 'user', content}});
const assistant = (...content: object[]) => ({
	type: 'assistant',
	message: {role: 'assistant', model: 'claude-opus-5-5', content, usage: {input_tokens: 82_000}},
});
const tool = (name: string, input: object) => ({type: 'tool_use', name, input});

describe('what an agent does', () => {
	test('its server reads from what its client writes, and humans see it', async () => {
		const claude = playClaude('CLAUDE_1', 4601);
		await claude.hook('SessionStart', {source: 'startup'});
		const server = await startAgent(home.path, 'CLAUDE_1', claude.env, cli, join(home.path, 'CLAUDE_1'));
		ends.push(() => server.close());
		claude.report('busy');
		claude.write(
			user('please go'),
			assistant({type: 'text', text: 'I run it.'}, tool('Bash', {command: 'TOKEN=abc npm test'})),
		);
		await until(async () =>
			expect(await peek('CLAUDE_1')).toMatchObject({
				presence: 'idle',
				doing: {
					client: 'claude',
					status: 'busy',
					waiting_for: null,
					prompt: 'please go',
					said: 'I run it.',
					tool: 'Bash',
					argument: 'TOKEN=*** npm test',
					tokens: 82_000,
					context_window: null,
				},
			}),
		);
		// Nothing was added to its record, only its status is another.
		claude.report('waiting', {waitingFor: 'permission to use Bash\u001b[2J'});
		await until(async () => expect((await peek('CLAUDE_1')).doing?.waiting_for).toMatch(/^permission/));
		const text = await home.output(['peek', 'CLAUDE_1']);
		expect(text).toContain('82k tokens');
		expect(text).toContain('permission to use Bash␛[2J');
		expect(text).toContain('Bash TOKEN=*** npm test');

		// Its window and its cost are known where a status line is shown.
		const input = JSON.stringify({
			session_id: 'session-1',
			workspace: {project_dir: join(home.path, 'CLAUDE_1')},
			model: {id: 'claude-opus-5-5'},
			cost: {total_cost_usd: 1.5},
			context_window: {context_window_size: 200_000},
		});
		await home.output(['statusline'], {input});
		claude.write(assistant(tool('Read', {file_path: '/x.ts'})));
		await until(async () => expect((await peek('CLAUDE_1')).doing).toMatchObject({cost: 1.5, context_window: 200_000}));
		const list = await home.output(['peek']);
		expect(list).toMatch(/CLAUDE_1 +idle +context 41% +waits: permission.*; Read \/x\.ts/);
		expect(list).toMatch(/CLAUDE_2 +away/);

		// Of none of it is there anything in the messages and the events.
		const [kept] = await home.json<{n: number}[]>([
			'sql',
			`select (select count(*) from messages where content like '%please go%')::int
				+ (select count(*) from events where events::text like '%npm test%')::int as n`,
		]);
		expect(kept!.n).toBe(0);
		const asAgent = await home.run(['peek', 'CLAUDE_1', '--json'], {env: {AGENTMUX_TAG: 'CLAUDE_2'}});
		expect(asAgent.code).toBe(1);
		expect(asAgent.stderr).toContain('only a human can see what other agents do');
	});

	test('is not read and not kept where that is off, from then on', async () => {
		expect((await peek('CLAUDE_1')).doing).not.toBeNull();
		const {settings} = await home.json<{settings: {name: string; value: string}[]}>(['config']);
		const config = settings.find(({name}) => name === 'config file')!.value;
		writeFileSync(config, 'sight = false\n');
		await until(async () => expect((await peek('CLAUDE_1')).doing).toBeNull());
		const claude = playClaude('CLAUDE_1', 4601);
		claude.write(user('first'));
		rmSync(config);
		claude.write(user('second'));
		await until(async () => expect((await peek('CLAUDE_1')).doing).toMatchObject({prompt: 'second', tool: null}));
	});

	test('the environment of the client turns it off, too', async () => {
		const claude = playClaude('CLAUDE_2', 4602);
		await claude.hook('SessionStart', {source: 'startup'});
		claude.write(user('please go'));
		const server = await startAgent(
			home.path,
			'CLAUDE_2',
			{...claude.env, AGENTMUX_SIGHT: 'off'},
			cli,
			join(home.path, 'CLAUDE_2'),
		);
		ends.push(() => server.close());
		await until(async () => expect((await peek('CLAUDE_2')).presence).toBe('idle'));
		await new Promise(resolve => {
			setTimeout(resolve, 3000);
		});
		expect((await peek('CLAUDE_2')).doing).toBeNull();
	});

	test('is asked for one agent, which must have joined', async () => {
		expect(await home.run(['peek', 'NOBODY'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('NOBODY has not joined') as string,
		});
		expect(await home.run(['peek', 'A', 'B'])).toMatchObject({code: 2});
	});
});

describe('a stop', () => {
	const batch = {tool_calls: [{tool_name: 'Bash', tool_input: {command: 'ls'}, tool_response: 'x'}]};
	const presence = async (tag: string) => (await peek(tag)).presence;

	test('ends the turn of Claude Code between two steps, once, and says who and why', async () => {
		const claude = playClaude('CLAUDE_1', 4601);
		await claude.hook('UserPromptSubmit', {prompt: 'go'});
		expect((await claude.hook('PostToolBatch', batch)).stdout).toBe('');
		await home.output(['send', '--to', 'CLAUDE_1', 'later']);
		expect(await home.output(['stop', 'CLAUDE_1', '--reason', 'wrong branch\u001b[2J'])).toContain(
			'CLAUDE_1 stops when the tools that it runs now have ended.',
		);
		expect(await home.output(['peek', 'CLAUDE_1'])).toContain('asked to stop by HUMAN: wrong branch');
		const {stdout} = await claude.hook('PostToolBatch', batch);
		expect(JSON.parse(stdout)).toEqual({
			continue: false,
			stopReason: 'agentmux: HUMAN stopped this agent: wrong branch␛[2J',
		});
		expect(await presence('CLAUDE_1')).toBe('idle');
		expect((await home.run(['agents'])).stderr).toContain('CLAUDE_1: stopped by HUMAN: wrong branch');
		// The next prompt goes on, and the message is there.
		expect((await claude.hook('UserPromptSubmit', {prompt: 'go on'})).stdout).toContain('later');
		expect((await claude.hook('PostToolBatch', batch)).stdout).toBe('');
		expect((await home.run(['agents'])).stderr).not.toContain('stopped by');
		await claude.hook('Stop');
	});

	test('is not kept for a later turn', async () => {
		const claude = playClaude('CLAUDE_1', 4601);
		await claude.hook('UserPromptSubmit', {prompt: 'go'});
		await home.output(['stop', '--all']);
		await claude.hook('Stop');
		await claude.hook('UserPromptSubmit', {prompt: 'go on'});
		expect((await claude.hook('PostToolBatch', batch)).stdout).toBe('');
		await claude.hook('Stop');
		const {code, stdout, stderr} = await home.run(['stop', 'CLAUDE_1']);
		expect({code, stdout}).toEqual({code: 0, stdout: ''});
		expect(stderr).toContain('CLAUDE_1 does not work: there is nothing to stop.');
	});

	test.each([
		{
			client: 'gemini',
			tag: 'GEMINI_1',
			prompt: 'BeforeAgent',
			tool: 'AfterTool',
			says: 'HUMAN stopped this agent',
			after: 'idle',
		},
		{
			client: 'codex',
			tag: 'CODEX_1',
			prompt: 'UserPromptSubmit',
			tool: 'PostToolUse',
			says: 'HUMAN asks this agent to stop',
			after: 'working',
		},
	])('reaches $client as far as it can', async ({client, tag, prompt, tool: event, says, after}) => {
		const hook = (name: string, input: object) => fire({home: home.path, tag, event: name, client, input});
		await hook(prompt, {prompt: 'go'});
		await home.output(['stop', tag]);
		const {stdout} = await hook(event, {tool_name: 'Bash', tool_input: {command: 'ls'}, tool_response: 'x'});
		expect(JSON.parse(stdout)).toEqual({continue: false, stopReason: expect.stringContaining(says) as string});
		expect(await presence(tag)).toBe(after);
		expect((await hook(event, {tool_name: 'Bash', tool_input: {}})).stdout).toBe('');
	});

	test('is for humans: not for an agent, and for nobody by name and --all at once', async () => {
		const asAgent = await home.run(['stop', 'CLAUDE_1'], {env: {AGENTMUX_TAG: 'CLAUDE_2'}});
		expect(asAgent).toMatchObject({code: 1, stderr: expect.stringContaining('only a human can stop agents') as string});
		expect(await home.run(['stop'])).toMatchObject({code: 2});
		expect(await home.run(['stop', 'CLAUDE_1', '--all'])).toMatchObject({code: 2});
		expect(await home.run(['stop', 'NOBODY'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('NOBODY has not joined') as string,
		});
	});
});

describe('two agents that edit the same file', () => {
	const edit = (file_path: string, tool_response = 'ok') => ({
		tool_calls: [{tool_name: 'Edit', tool_input: {file_path}, tool_response}],
	});
	const told = ({stdout}: HookEnd): string =>
		stdout === ''
			? ''
			: (JSON.parse(stdout) as {hookSpecificOutput: {additionalContext: string}}).hookSpecificOutput.additionalContext;

	test('are each told once, between their steps', async () => {
		const file = join(home.path, 'shared.ts');
		writeFileSync(file, '');
		const [one, two] = [playClaude('CLAUDE_1', 4601), playClaude('CLAUDE_2', 4602)];
		await one.hook('UserPromptSubmit', {prompt: 'go'});
		await two.hook('UserPromptSubmit', {prompt: 'go'});
		expect(told(await one.hook('PostToolBatch', edit(file)))).toBe('');
		expect(told(await two.hook('PostToolBatch', edit(file, '<tool_use_error>no')))).toBe('');
		// A subagent's edit is said with the next request.
		expect(told(await two.hook('PostToolBatch', {...edit('shared.ts'), agent_id: 'a'}))).toBe('');
		expect(told(await two.hook('PostToolBatch', {tool_calls: []}))).toBe(
			`CLAUDE_1 also edited ${file}, less than a minute ago.`,
		);
		expect(told(await two.hook('PostToolBatch', edit(file)))).toBe('');
		// With mail, in one text.
		await home.output(['send', '--to', 'CLAUDE_1', 'hello']);
		const text = told(await one.hook('PostToolBatch', {tool_calls: []}));
		expect(text).toMatch(/^CLAUDE_2 also edited .*shared\.ts, less than a minute ago\.\n\n1 new message/);
		expect(told(await one.hook('PostToolBatch', edit(file)))).toBe('');
		expect(await home.output(['peek', 'CLAUDE_1'])).toContain(`${file}, which CLAUDE_2 also edited`);
		expect(await home.output(['peek'])).toContain('(CLAUDE_1 also edited');
	});
});
