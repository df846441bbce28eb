import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

interface Played {
	/** Milliseconds until each message was handed over. */
	readonly took: readonly number[];
	readonly receipts: readonly {readonly state: string; readonly attempts: number}[];
	/** What hooks could not do. */
	readonly log: string;
	readonly [name: string]: unknown;
}

async function play(scenario: string): Promise<Played> {
	const driver = fileURLToPath(new URL('../fixtures/wear.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	return JSON.parse(stdout) as Played;
}

/** Every message was handed over once. */
const once = ({receipts}: Played): boolean => receipts.every(({attempts}) => attempts === 1);
const slowest = ({took}: Played): number => Math.max(...took);

describe.runIf(harness !== '')('a real idle Claude Code terminal is woken, and reads each message once', () => {
	test('when the one of its tag that was prompted last has died', async () => {
		const played = await play('lastdies');
		expect(slowest(played)).toBeLessThan(20_000);
		expect(played['had']).toEqual([['first'], ['second'], ['third'], ['third']]);
		expect(played['agents']).toContainEqual({tag: 'CLAUDE_1', presence: 'idle', sessions: 1});
		expect(once(played)).toBe(true);
	}, 240_000);

	test('after the hub was killed, and without the files that agentmux keeps for itself', async () => {
		const played = await play('broken');
		expect(slowest(played)).toBeLessThan(20_000);
		expect(played).toMatchObject({told: [1, 1, 1, 1], mended: true});
		expect(once(played)).toBe(true);
	}, 240_000);

	test('whole, however long it is', async () => {
		const played = await play('big');
		const texts = played['texts'] as readonly {
			readonly missing: number;
			readonly cuts: number;
			readonly begun: number;
		}[];
		expect(texts.map(({missing, cuts, begun}) => missing <= cuts && begun === 1)).not.toContain(false);
		expect(once(played)).toBe(true);
	}, 300_000);

	test('in few turns, when many come at once', async () => {
		const played = await play('storm');
		const {calls, turns} = played as Played & {readonly calls: number[]; readonly turns: number};
		expect(Math.max(...calls)).toBeLessThanOrEqual(turns + 2);
		expect(played['told']).toEqual([1]);
		expect(played.receipts).toHaveLength(40);
		expect(once(played)).toBe(true);
	}, 240_000);

	test('after it has left and joined again; in between, its tools say that it has left', async () => {
		const played = await play('leaving');
		expect(played['gone']).toContainEqual({tag: 'CLAUDE_1', presence: 'away', sessions: 0});
		expect(played['said']).toEqual([1, 0]);
		expect(played['joined']).not.toContain('when it is started again');
		expect(played['waited']).toBeLessThan(30_000);
		expect(slowest(played)).toBeLessThan(20_000);
		expect(once(played)).toBe(true);
	}, 240_000);
});
