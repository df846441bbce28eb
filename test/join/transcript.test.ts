import {appendFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {editsIn, filesOf} from '../../source/join/hook/edits.ts';
import {maskSecrets} from '../../source/join/sight/mask.ts';
import {readStatusLineInput} from '../../source/join/sight/status-line.ts';
import {Tail} from '../../source/join/sight/tail.ts';
import {argumentOf, readTranscriptLine} from '../../source/join/sight/transcript.ts';

const read = (...entries: object[]): object =>
	Object.assign({}, ...entries.map(entry => readTranscriptLine(JSON.stringify(entry)))) as object;
const at = '2026-12-03T05:56:59.212Z';

describe("what Claude Code's record of a session says", () => {
	const entry = {sessionId: 's', isSidechain: false, timestamp: at, cwd: '/p', version: '2.1.330'};
	const user = (content: unknown, more: object = {}) => ({
		...entry,
		type: 'user',
		message: {role: 'user', content},
		...more,
	});
	const assistant = (content: object[], more: object = {}) => ({
		...entry,
		type: 'assistant',
		message: {
			role: 'assistant',
			model: 'claude-opus-5-5',
			content,
			usage: {input_tokens: 34, cache_creation_input_tokens: 500, cache_read_input_tokens: 2000, output_tokens: 74},
			...more,
		},
	});
	const bash = {type: 'tool_use', id: 't', name: 'Bash', input: {command: 'npm test\n&& echo', description: 'tests'}};

	test('the prompt, the last line said, the last tool, the model and its context', () => {
		expect(
			read(user('please go'), assistant([{type: 'text', text: 'First.\n\nI look.\n'}]), assistant([bash])),
		).toEqual({
			client: 'claude',
			prompt: 'please go',
			prompted_at: at,
			said: 'I look.',
			said_at: at,
			tool: 'Bash',
			argument: 'npm test && echo',
			tool_at: at,
			model: 'claude-opus-5-5',
			tokens: 2534,
		});
	});

	test('the last prompt and the cost, which it repeats', () => {
		expect(read({type: 'last-prompt', lastPrompt: 'go on', leafUuid: 'l', sessionId: 's'})).toEqual({
			client: 'claude',
			prompt: 'go on',
		});
		expect(read({type: 'cost-state', sessionId: 's', totalCostUSD: 0.035})).toEqual({client: 'claude', cost: 0.035});
	});

	test.each([
		['a result of a tool', user([{type: 'tool_result', tool_use_id: 't', content: 'hi'}])],
		['what the client says itself', user('caveat', {isMeta: true})],
		['a command of the client', user('<command-name>/clear</command-name>')],
		['a notice of mail', user('1 new message for A in the agentmux mailbox, from B.')],
		['mail', user('1 new message for A in the agentmux mailbox: ...')],
		['a subagent', {...assistant([bash]), isSidechain: true}],
		['an error of the model', assistant([{type: 'text', text: 'API Error'}], {model: '<synthetic>'})],
		['a snapshot', {...entry, type: 'attachment', attachment: {type: 'prompt_snapshot'}}],
	])('nothing: %s', (_, line) => {
		expect(Object.keys(read(line)).filter(name => name !== 'client')).toEqual([]);
	});

	test('nothing: a line that is damaged, or of another program', () => {
		for (const line of [
			'',
			'{"type":"assistant"',
			'[]',
			'null',
			'"assistant"',
			'{"type":"assistant","sessionId":1,"message":5}',
		])
			expect(Object.keys(readTranscriptLine(line)).filter(name => name !== 'client')).toEqual([]);
	});
});

test("what Codex's record of a session says", () => {
	const line = (type: string, payload: object) => ({timestamp: at, type, payload});
	expect(
		read(
			line('session_meta', {id: 'i', cwd: '/p'}),
			line('turn_context', {cwd: '/p', model: 'gpt-5'}),
			line('response_item', {
				type: 'message',
				role: 'user',
				content: [{type: 'input_text', text: '<environment_context>'}],
			}),
			line('event_msg', {
				type: 'item_completed',
				item: {type: 'UserMessage', content: [{type: 'text', text: 'please go'}]},
			}),
			line('response_item', {type: 'message', role: 'assistant', content: [{type: 'output_text', text: 'I look.'}]}),
			line('response_item', {
				type: 'function_call',
				name: 'exec_command',
				arguments: '{"cmd":"echo hi"}',
				call_id: 'c',
			}),
			line('event_msg', {
				type: 'token_count',
				info: {last_token_usage: {input_tokens: 9000, total_tokens: 9100}, model_context_window: 258_400},
			}),
		),
	).toEqual({
		client: 'codex',
		model: 'gpt-5',
		prompt: 'please go',
		prompted_at: at,
		said: 'I look.',
		said_at: at,
		tool: 'exec_command',
		argument: 'echo hi',
		tool_at: at,
		tokens: 9100,
		context_window: 258_400,
	});
	const patch = '*** Begin Patch\n*** Update File: a.ts\n@@\n-x\n+y\n*** Add File: b.ts\n+z\n*** End Patch';
	expect(read(line('response_item', {type: 'custom_tool_call', name: 'apply_patch', input: patch}))).toMatchObject({
		tool: 'apply_patch',
		argument: 'a.ts b.ts',
	});
});

test("what Gemini CLI's record of a session says", () => {
	expect(
		read(
			{sessionId: 's', projectHash: 'h', startTime: at, kind: 'main'},
			{id: '1', timestamp: at, type: 'user', content: [{text: 'please go'}]},
			{$set: {lastUpdated: at}},
			{
				id: '2',
				timestamp: at,
				type: 'gemini',
				content: 'I write.',
				tokens: {input: 10_000, output: 5, total: 10_005},
				model: 'gemini-2.5-flash',
				toolCalls: [{name: 'write_file', args: {file_path: '/p/new.txt', content: 'hello'}, timestamp: at}],
			},
			{id: '3', timestamp: at, type: 'user', content: [{functionResponse: {name: 'write_file'}}]},
		),
	).toEqual({
		client: 'gemini',
		prompt: 'please go',
		prompted_at: at,
		said: 'I write.',
		said_at: at,
		tool: 'write_file',
		argument: '/p/new.txt',
		tool_at: at,
		model: 'gemini-2.5-flash',
		tokens: 10_000,
	});
});

test('texts are cut to few bytes, whatever they consist of', () => {
	const {argument, said, prompt} = readAll('𝄞€x\0\ud800'.repeat(5000));
	for (const text of [argument, said, prompt]) {
		expect(Buffer.byteLength(text)).toBeLessThanOrEqual(500);
		expect(text).toMatch(/…$/);
		expect(text).not.toContain('\0');
		expect(text.isWellFormed()).toBe(true);
	}

	function readAll(text: string): {argument: string; said: string; prompt: string} {
		const content = [
			{type: 'text', text},
			{type: 'tool_use', name: 'Bash', input: {command: text}},
		];
		return read(
			{sessionId: 's', type: 'assistant', message: {content}},
			{sessionId: 's', type: 'user', message: {content: text}},
		) as {argument: string; said: string; prompt: string};
	}
});

test.each([
	[{file_path: '/a.ts', old_string: 'x'}, '/a.ts'],
	[{pattern: 'x', path: '/'}, 'x'],
	[{notebook_path: '/a.ipynb', new_source: 'x'}, '/a.ipynb'],
	[{n: 1, to: 'B', body: 'hello'}, 'B'],
	[{n: 1}, '{"n":1}'],
	[{}, null],
	[null, null],
])('the argument that tells most of %j', (input, argument) => {
	expect(argumentOf(input)).toBe(argument);
});

describe('what looks like a secret', () => {
	test.each([
		'ghp_0123456789abcdefghij',
		'github_pat_0123456789abcdefghij',
		'sk-ant-api03-0123456789abcdef',
		'AKIA0123456789ABCDEF',
		'xoxb-0123456789-abc',
		'AIzaSyA0123456789abcdefghijklmnop',
		'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
		'sb_secret_0123456789abcdef',
		'-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
		'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01234',
	])('is masked by its form: %s', secret => {
		const masked = maskSecrets(`run it with ${secret} now`);
		expect(masked).not.toContain(secret.slice(4));
		expect(masked).toMatch(/^run it with .*\*\*\*.* now$/);
	});

	test.each([
		['PASSWORD=hunter2 npm test', 'PASSWORD=*** npm test'],
		['export API_KEY="abc def"', 'export API_KEY="*** def"'],
		['curl -H "Authorization: Bearer abc123def456"', 'curl -H "Authorization: Bearer ***"'],
		['mysql --password hunter2 -u me', 'mysql --password *** -u me'],
		['{"token": "abc"}', '{"token": "***"}'],
		['psql postgres://me:hunter2@db/x', 'psql postgres://me:***@db/x'],
	])('is masked by its name: %s', (text, masked) => {
		expect(maskSecrets(text)).toBe(masked);
	});

	test.each([
		'git show 9857a695d1f0c4b8e2a6957f3c1d0b8e7a645321',
		'npm run test -- --token-limit',
		'rm -rf node_modules && npm ci',
		'/home/me/projects/AgentMux/source/Commands/Serve/mailbox2Server.ts',
		'echo $TOKEN password=$PASSWORD',
		'https://example.org/a:b@c',
	])('is nothing of this: %s', text => {
		expect(maskSecrets(text)).toBe(text);
	});
});

describe('the end of a file', () => {
	const folder = mkdtempSync(join(tmpdir(), 'agentmux-tail-'));
	afterAll(() => rmSync(folder, {recursive: true}));
	let count = 0;
	const begin = (text: string): {path: string; tail: Tail} => {
		count += 1;
		const path = join(folder, String(count));
		writeFileSync(path, text);
		return {path, tail: new Tail(path)};
	};

	test('is read by whole lines, each once', () => {
		const {path, tail} = begin('one\ntwo\nthr');
		expect(tail.read()).toEqual(['one', 'two']);
		expect(tail.read()).toBeNull();
		appendFileSync(path, 'ee\nfour\n');
		expect(tail.read()).toEqual(['three', 'four']);
		writeFileSync(path, 'new\n');
		expect(tail.read()).toEqual(['new']);
	});

	test('is no more than 64 kB at first, and 256 kB later', () => {
		const {path, tail} = begin(`${'x'.repeat(99)}\n`.repeat(10_000));
		expect(tail.read()).toHaveLength(655);
		appendFileSync(path, `${'y'.repeat(99)}\n`.repeat(10_000));
		expect(tail.read()).toHaveLength(2621);
		appendFileSync(path, 'z'.repeat(1_000_000));
		expect(tail.read()).toEqual([]);
		appendFileSync(path, '\nlast\n');
		expect(tail.read()).toEqual(['last']);
	});

	test('of what is no file, or is missing, is nothing', () => {
		expect(new Tail(folder).read()).toBeNull();
		expect(new Tail(join(folder, 'missing')).read()).toBeNull();
	});
});

test('what Claude Code tells its status line', () => {
	const input = {
		session_id: 's',
		model: {id: 'claude-opus-5-5', display_name: 'Opus 5.5'},
		cost: {total_cost_usd: 0.25},
		context_window: {
			context_window_size: 200_000,
			used_percentage: 41,
			current_usage: {input_tokens: 2000, cache_read_input_tokens: 80_000, cache_creation_input_tokens: 0},
		},
	};
	expect(readStatusLineInput(input)).toEqual({
		session: 's',
		model: 'claude-opus-5-5',
		cost: 0.25,
		context_window: 200_000,
		tokens: 82_000,
	});
	expect(readStatusLineInput({session_id: 's', context_window: null})).toEqual({
		session: 's',
		model: null,
		cost: null,
		context_window: null,
		tokens: null,
	});
	expect(readStatusLineInput(null)).toBeNull();
});

test('which files a hook says were edited', () => {
	const call = (tool_name: string, tool_input: unknown, tool_response: unknown = 'ok') => ({
		tool_name,
		tool_input,
		tool_response,
	});
	expect(
		editsIn([
			call('Edit', {file_path: '/a'}),
			call('Write', {file_path: '/b'}),
			call('MultiEdit', {file_path: '/c'}),
			call('NotebookEdit', {notebook_path: '/d'}),
			call('write_file', {file_path: '/e'}, {llmContent: 'ok'}),
			call('replace', {file_path: '/f'}, {llmContent: 'no', error: {message: 'no'}}),
			call('apply_patch', {command: '*** Begin Patch\n*** Update File: g\n*** Move to: h\n*** End Patch'}),
			call('Edit', {file_path: '/failed'}, '<tool_use_error>String to replace not found in file.'),
			call('Read', {file_path: '/read'}),
			call('Bash', {command: 'rm x'}),
			call('toString', {file_path: '/x'}),
			call('Edit', {file_path: 5}),
			null,
			{},
		]),
	).toEqual(['/a', '/b', '/c', '/d', '/e', 'g', 'h']);
	expect(editsIn('x')).toEqual([]);
	expect(filesOf(['a', '/p/a', '/q/b'], '/p')).toEqual(['/p/a', '/q/b']);
});
