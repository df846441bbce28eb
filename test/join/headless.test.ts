import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, onTestFinished, test} from 'vitest';
import {agentEnv} from '../../source/commands/connect/agent-env.ts';
import {isAskedFor, isHeadless, isInteractive} from '../../source/join/clients/client.ts';
import {checkJoined} from '../../source/commands/serve/check-joined.ts';
import {actingTag} from '../../source/join/hook/agent-tag.ts';

const socket = {CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/46.sock'};

describe('a run without a user', () => {
	test.each([
		['of a script', {CLAUDE_CODE_ENTRYPOINT: 'sdk-cli'}],
		['of an SDK', {CLAUDE_CODE_ENTRYPOINT: 'sdk-py', ...socket}],
		['that nobody attends', {CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_SESSION_ATTENDED: '0', ...socket}],
		["in another client's shell", {CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_EXECPATH: '/usr/bin/claude'}],
	])('%s is recognised', (_, env) => {
		expect(isHeadless(env)).toBe(true);
		expect(isInteractive(env)).toBe(false);
	});

	test.each([
		['an ordinary terminal', {CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_SESSION_ATTENDED: '1', ...socket}],
		[
			'a terminal that a shell of another client opened',
			{CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_CODE_EXECPATH: '/x', ...socket},
		],
		['another client, which sets none of this', {}],
	])('%s is none', (_, env) => {
		expect(isHeadless(env)).toBe(false);
	});

	test('takes part where join or AGENTMUX_TAG asks for it', () => {
		expect(isAskedFor(false, {})).toBe(false);
		expect(isAskedFor(true, {})).toBe(true);
		expect(isAskedFor(false, {AGENTMUX_TAG: 'B'})).toBe(true);
		expect(isAskedFor(false, {AGENTMUX_TAG: ' '})).toBe(false);
	});

	test.each([{CODEX_THREAD_ID: '1'}, {GEMINI_CLI: '1'}])(
		'takes no part in the shell of %j, whose AGENTMUX_TAG it inherits, unless join asks for it',
		shell => {
			expect(isAskedFor(false, {AGENTMUX_TAG: 'B', ...shell})).toBe(false);
			expect(isAskedFor(true, {AGENTMUX_TAG: 'B', ...shell})).toBe(true);
		},
	);
});

test('AGENTMUX_TAG makes another agent of a client, unless it is the tag of a human or none', () => {
	expect(actingTag('A', {AGENTMUX_TAG: ' B '})).toBe('B');
	for (const tag of ['', 'HUMAN', 'human', 'SYSTEM']) expect(actingTag('A', {AGENTMUX_TAG: tag})).toBe('A');
	expect(actingTag('A', {})).toBe('A');
	expect(() => actingTag('A', {AGENTMUX_TAG: 'not a tag'})).toThrow('`not a tag` (AGENTMUX_TAG) is not a tag.');
});

test("a human's tag that a run inherits asks for nothing", async () => {
	const folder = mkdtempSync(join(tmpdir(), 'agentmux-env-'));
	onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
	const paths = {config: join(folder, 'config.toml'), data: folder, state: folder};
	const kept = async (tag: string) => (await agentEnv({AGENTMUX_TAG: tag, OTHER: '1'}, paths))['AGENTMUX_TAG'] ?? null;
	expect(await kept('BOSS')).toBe('BOSS');
	writeFileSync(paths.config, 'tag = "Boss"\n');
	expect(await Promise.all(['BOSS', 'human', 'B', 'not a tag'].map(kept))).toEqual([null, null, 'B', 'not a tag']);
	expect(await agentEnv({AGENTMUX_TAG: 'BOSS', OTHER: '1'}, paths)).toEqual({OTHER: '1'});
});

test('an agent that AGENTMUX_TAG names must have joined', () => {
	const env = {AGENTMUX_TAG: 'B'};
	expect(() => checkJoined('B', 'A', env, '/nowhere')).toThrow('AGENTMUX_TAG is B, which has not joined.');
	expect(() => checkJoined('a', 'A', {}, '/nowhere')).not.toThrow();
	expect(() => checkJoined('B', 'A', {...env, SUPABASE_URL: 'https://x.supabase.co'}, '/nowhere')).not.toThrow();
});
