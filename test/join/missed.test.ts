import {execFileSync} from 'node:child_process';
import {appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {timeLimit} from '../../source/join/clients/time-limit.ts';
import {bellFile, flagMail, isFlagged} from '../../source/join/hook/bell.ts';
import {hasWorked, readInput} from '../../source/join/hook/hook-input.ts';
import {missedFile, noteMissed, readMissed} from '../../source/join/hook/missed.ts';

let state: string;
beforeEach(() => {
	state = mkdtempSync(join(tmpdir(), 'agentmux-missed-'));
});
afterEach(() => {
	rmSync(state, {recursive: true, force: true});
});

describe('what a hook had no time for', () => {
	test('is noted beside the bell, and read once', () => {
		const path = missedFile(bellFile(state, 'claude_1'), 'host:46.sock');
		expect(readMissed(path)).toEqual([]);
		noteMissed(path, {event: 'Stop'});
		noteMissed(path, {event: 'PostToolBatch', take: '12-34'});
		appendFileSync(path, 'half a li\n{"take":1}\n');
		expect(readMissed(path)).toEqual([{event: 'Stop'}, {event: 'PostToolBatch', take: '12-34'}]);
		expect(readMissed(path)).toEqual([]);
		expect(missedFile(bellFile(state, 'CLAUDE_1'), 'host:47.sock')).not.toBe(path);
	});

	test('is no error where it cannot be written', () => {
		noteMissed(join(state, 'x'), {event: 'Stop'});
		expect(() => noteMissed(join(state, 'x/below a file'), {event: 'Stop'})).not.toThrow();
	});

	// In a process of its own, which is ended if it waits.
	test.skipIf(process.platform === 'win32')(
		'does not wait where a pipe is in the place of the file, nor does the bell',
		() => {
			const bell = bellFile(state, 'A');
			mkdirSync(dirname(bell), {recursive: true});
			for (const pipe of [bell, missedFile(bell, 'host:46.sock')]) execFileSync('mkfifo', [pipe]);
			const hook = (name: string): string =>
				JSON.stringify(new URL(`../../source/join/hook/${name}`, import.meta.url).href);
			const code = `
			const {missedFile, noteMissed} = await import(${hook('missed.ts')});
			const {createBell, ringBell} = await import(${hook('bell.ts')});
			const bell = ${JSON.stringify(bell)};
			noteMissed(missedFile(bell, 'host:46.sock'), {event: 'Stop'});
			for (const each of [createBell, ringBell]) try { each(bell); } catch (error) { console.log(error.code); }
		`;
			const words = ['--input-type=module', '--eval', code];
			expect(execFileSync(process.execPath, words, {encoding: 'utf8', timeout: 60_000})).toBe('ENOTFILE\nENXIO\n');
		},
	);
});

test('a flag beside the bell says whether mail waits', () => {
	const bell = bellFile(state, 'A');
	expect(isFlagged(bell)).toBe(false);
	flagMail(bell, true);
	flagMail(bell, true);
	expect(isFlagged(bell)).toBe(true);
	expect(existsSync(bell)).toBe(false);
	flagMail(bell, false);
	flagMail(bell, false);
	expect(isFlagged(bell)).toBe(false);
});

describe('the time of a hook', () => {
	const limit = (
		event: Parameters<typeof timeLimit>[0]['event'],
		more: Partial<Parameters<typeof timeLimit>[0]> = {},
	) => timeLimit({client: 'claude', event, mailWaits: false, begun: 50, set: null, ...more});

	test('is short where the agent waits, and counts from our first line, however long Node took to start', () => {
		for (const event of ['SessionStart', 'UserPromptSubmit', 'PostToolBatch'] as const) {
			expect(limit(event)).toBe(290);
			expect(limit(event, {begun: 1700})).toBe(1940);
			expect(limit(event, {mailWaits: true})).toBe(2050);
			expect(limit(event, {set: 1000})).toBe(1050);
		}
	});

	test('is seconds where nobody waits, and ends before the client kills the hook', () => {
		for (const event of ['FileChanged', 'SessionEnd', 'Stop', 'StopFailure', 'CwdChanged'] as const) {
			expect(limit(event)).toBe(4050);
			expect(limit(event, {begun: 2000})).toBeLessThan(5000);
			for (const client of ['codex', 'gemini'] as const) expect(limit(event, {client, begun: 900})).toBeLessThan(3000);
			expect(limit(event, {set: 10_000})).toBe(10_050);
			expect(limit(event, {set: 30})).toBe(4050);
		}
	});
});

test('a batch did other work unless all its tools only talk to others', () => {
	const batch = (...names: unknown[]) => {
		const tool_calls = names.map(tool_name => ({tool_name}));
		return hasWorked(readInput(JSON.stringify({session_id: 's', tool_calls})).tools);
	};
	expect(batch()).toBe(false);
	expect(batch('mcp__agentmux__send_message', 'mcp__supabase__execute_sql', 'ToolSearch', 7)).toBe(false);
	expect(batch('mcp__agentmux-supabase__execute_sql', 'mcp__plugin_agentmux_agentmux__check_messages')).toBe(false);
	expect(batch('mcp__agentmux__send_message', 'Bash')).toBe(true);
	expect(batch('mcp__github__search')).toBe(true);
	expect(batch('mcp__agentmux__finish_task')).toBe(true);
	expect(batch('mcp__plugin_agentmux_agentmux__claim_task')).toBe(true);
	expect(readInput('{"session_id": "s", "tool_calls": "none", "source": "clear"}')).toMatchObject({
		tools: [],
		source: 'clear',
	});
});
