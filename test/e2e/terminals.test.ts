import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

async function play(scenario: string): Promise<Record<string, unknown>> {
	const driver = fileURLToPath(new URL('../fixtures/terminals.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	return JSON.parse(stdout) as Record<string, unknown>;
}

/** How far a message has come that was handed over: read when the turn has ended. */
const reached = expect.stringMatching(/^(delivered|read|acked)$/) as string;

describe.runIf(harness !== '')('real interactive Claude Code terminals, with what join wrote', () => {
	test('two finish a request and its answer: each is woken when it is idle, and nobody types but once', async () => {
		const {one, twin, receipts} = await play('talk');
		expect(one).toContain('The answer is here.');
		expect(twin).toContain('I have answered.');
		expect(receipts).toMatchObject([
			{
				body: '@CLAUDE_TWIN can you process task X?',
				reader: 'CLAUDE_TWIN',
				state: 'acked',
				route: 'reply',
				attempts: 1,
			},
			// An answer is done with when it was read, which may be a moment from now.
			{body: '@CLAUDE_1 Task X completed', reader: 'CLAUDE_1', state: reached, attempts: 1},
		]);
	}, 180_000);

	test('a request and its answer cost three calls of one model and two of the other, and few characters', async () => {
		const {calls, mail, loaded} = await play('exchange');
		expect((calls as string[]).toSorted()).toEqual(['CLAUDE_1', 'CLAUDE_1', 'CLAUDE_1', 'CLAUDE_TWIN', 'CLAUDE_TWIN']);
		for (const characters of mail as number[]) expect(characters).toBeLessThanOrEqual(500);
		// No call is needed to look it up.
		expect(loaded).toEqual(['mcp__agentmux__send_message']);
	}, 180_000);

	test('fifty messages to an idle terminal reach its model once each, though the hub is killed in between', async () => {
		const {heard, receipts} = await play('fifty');
		expect((heard as number[]).toSorted((a, b) => a - b)).toEqual(Array.from({length: 50}, (_, n) => n));
		expect((receipts as {attempts: number}[]).every(({attempts}) => attempts === 1)).toBe(true);
	}, 240_000);

	test('one whose hooks watch no file is woken by its socket, which is then remembered', async () => {
		const {agent, receipts} = await play('socket');
		expect(agent).toEqual({wake: 'socket'});
		expect(receipts).toMatchObject([{state: reached, route: 'wake', attempts: 1}]);
	}, 180_000);

	test('one whose turn the human stopped with Esc is idle again, and is woken', async () => {
		const {escaped, woken, receipts} = await play('escape');
		for (const milliseconds of escaped as number[]) expect(milliseconds).toBeLessThan(10_000);
		// It is left in peace for the time that the human set.
		expect(woken).toBeGreaterThan(2000);
		expect(woken).toBeLessThan(15_000);
		expect(receipts).toMatchObject([{state: reached, route: 'wake', attempts: 1}]);
	}, 180_000);

	test('mail that comes while it asks for permission is read when it continues; two under one tag are both told', async () => {
		const {waiting, both, told, receipts} = await play('shared');
		expect(waiting).toEqual([]);
		expect(receipts).toMatchObject([{body: '@CLAUDE_1 while you wait', state: reached, attempts: 1}]);
		expect(both).toMatchObject([{tag: 'CLAUDE_1', sessions: 2}]);
		expect(told).toEqual({first: true, second: true});
	}, 240_000);

	test('its questions are answered elsewhere or in its terminal, by whoever is first', async () => {
		const {states, made, late} = await play('approvals');
		expect(states).toEqual([
			'makes allowed: allowed, taken',
			'makes denied: denied, taken',
			'makes shown: allowed, taken',
			'makes mine: terminal',
			'makes never: denied, taken',
			'makes escaped: terminal',
			'makes killed: allowed, taken',
		]);
		expect(made).toEqual(['allowed', 'changed', 'mine', 'killed']);
		expect(late).toContain('answered in its terminal');
	}, 240_000);
});
