import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

async function play(scenario: string): Promise<Record<string, unknown>> {
	const driver = fileURLToPath(new URL('../fixtures/waking.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	return JSON.parse(stdout) as Record<string, unknown>;
}

/** Every message was handed over once. */
const once = (receipts: unknown): boolean => (receipts as {attempts: number}[]).every(({attempts}) => attempts === 1);
const slowest = (took: unknown): number => Math.max(...(took as number[]));

describe.runIf(harness !== '')('a real idle Claude Code terminal, with what join wrote, is woken', () => {
	test('for each of several messages, also after its model has changed the folder', async () => {
		const {before, after, receipts} = await play('cd');
		expect(slowest(before)).toBeLessThan(20_000);
		expect(slowest(after)).toBeLessThan(20_000);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('for what waited when it started, and just after /clear', async () => {
		const {read, first, cleared, wake, receipts} = await play('start');
		expect(read).toBeLessThan(20_000);
		expect(first).toBe(1);
		expect(slowest(cleared)).toBeLessThan(20_000);
		expect(wake).toEqual([{presence: 'idle', wake: 'bell'}]);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('after its conversation was compacted, and while it compacts by itself it is not shown as idle', async () => {
		const {wake, compacted, automatic, seen, after, receipts} = await play('compacted');
		expect(wake).toEqual([{presence: 'idle', wake: 'bell'}]);
		expect(slowest(compacted)).toBeLessThan(20_000);
		expect(automatic).toBeGreaterThan(0);
		expect(seen).toEqual(['working']);
		expect(slowest(after)).toBeLessThan(20_000);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('after --continue and --resume', async () => {
		const {continued, waited, resumed, receipts} = await play('resumed');
		expect(slowest(continued)).toBeLessThan(20_000);
		expect(waited).toBe(1);
		expect(slowest(resumed)).toBeLessThan(20_000);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test("though the agent's server was killed; and a client that dies is gone within seconds", async () => {
		const {took, ended, receipts} = await play('killed');
		expect(slowest(took)).toBeLessThan(20_000);
		expect(ended).toBeLessThan(10_000);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('again when the call of its model failed, with a label that says so', async () => {
		const {read, again, receipts} = await play('failure');
		expect(read).toBeLessThan(30_000);
		expect(again).toBe(true);
		expect(receipts).toMatchObject([{state: 'read', attempts: 3}]);
	}, 240_000);

	test('once, where two share a folder: the one that was prompted last; a third is another agent by AGENTMUX_TAG', async () => {
		const {calls, who, receipts} = await play('two');
		expect(calls).toEqual([1, 1]);
		expect(who).toEqual(['first']);
		expect(receipts).toMatchObject([{reader: 'CLAUDE_1'}, {reader: 'CLAUDE_1'}, {reader: 'CLAUDE_2', attempts: 1}]);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('without losing a half-written prompt', async () => {
		const {kept, receipts} = await play('draft');
		expect(kept).toBe(true);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('on a machine whose cores are all busy', async () => {
		const {receipts} = await play('busy');
		expect(receipts).toHaveLength(5);
		expect(once(receipts)).toBe(true);
	}, 300_000);

	test('after the folder of the bells was removed', async () => {
		const {took, receipts} = await play('cleaned');
		expect(slowest(took)).toBeLessThan(20_000);
		expect(once(receipts)).toBe(true);
	}, 240_000);

	test('never, where its settings forbid hooks: its tools say what waits', async () => {
		expect(await play('unhooked')).toMatchObject({told: true});
	}, 240_000);
});
