import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

async function play(scenario: string): Promise<Record<string, unknown>> {
	const driver = fileURLToPath(new URL('../fixtures/steering.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	if (process.env['AGENTMUX_SHOW'] !== undefined) console.error(stdout);
	return JSON.parse(stdout) as Record<string, unknown>;
}

describe.runIf(harness !== '')('real Claude Code terminals, with what join wrote', () => {
	test('two are steered: by urgent messages, a group, one for later, and a pause', async () => {
		const {between, early, whilePaused, disturbed, receipts} = await play('steered');
		// The other message waited for the end of the turn.
		expect(between).toEqual(['the disk is full', 'urgent (its sender asks']);
		expect({early, whilePaused, disturbed}).toEqual({early: false, whilePaused: false, disturbed: false});
		const bodies = (receipts as {body: string; reader: string}[]).map(({body, reader}) => `${reader}: ${body}`);
		expect(bodies).toEqual(
			expect.arrayContaining(['CLAUDE_1: @backend who is there?', 'CLAUDE_2: @backend who is there?']),
		);
		expect((receipts as {attempts: number}[]).every(({attempts}) => attempts === 1)).toBe(true);
	}, 300_000);

	test('one whose question nobody answers in time goes on asking in its terminal', async () => {
		const {took, late, asks, presence, made} = await play('expired');
		expect(took).toBeLessThan(15_000);
		expect(late).toMatch(/expired|nobody answered|no longer/i);
		expect({asks, presence, made}).toEqual({asks: true, presence: 'blocked', made: true});
	}, 240_000);
});
