import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';
import type {Doing} from '../../source/mailbox/sight/sight.ts';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

interface Told {
	readonly seen: Doing;
	readonly full: Doing;
	readonly overview: string;
	readonly files: string[];
	readonly answer: string;
	readonly stopped: {readonly presence: string; readonly screen: string; readonly went: boolean};
	readonly told: {readonly one: string[]; readonly two: string[]};
	readonly log: string;
}

async function play(scenario: string): Promise<Told> {
	const driver = fileURLToPath(new URL('../fixtures/sight.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	if (process.env['AGENTMUX_SHOW'] !== undefined) console.error(stdout);
	return JSON.parse(stdout) as Told;
}

describe.runIf(harness !== '')('two real Claude Code terminals, with what join wrote', () => {
	test('are seen at work, are told that they edit one file, and one is stopped', async () => {
		const {seen, full, overview, files, answer, stopped, told, log} = await play('stopped');
		expect(log).toBe('');
		expect(seen).toMatchObject({
			client: 'claude',
			tool: 'Bash',
			said: 'I wait.',
			prompt: 'please work',
			status: 'busy',
		});
		expect(seen.tokens).toBeGreaterThan(0);
		expect(full).toMatchObject({context_window: expect.any(Number) as number, cost: expect.any(Number) as number});
		expect(overview).toContain('› Bash touch');
		expect(files).toEqual(['CLAUDE_2 shared.txt']);
		expect(told.one).toEqual([expect.stringMatching(/^CLAUDE_2 also edited .*shared\.txt, less than a minute ago\.$/)]);
		expect(told.two).toEqual([expect.stringMatching(/^CLAUDE_1 also edited .*shared\.txt, less than a minute ago\.$/)]);
		expect(answer).toContain('CLAUDE_1 stops when');
		expect(stopped).toMatchObject({presence: 'idle', went: false});
		expect(stopped.screen).toContain('HUMAN stopped this agent: enough for today');
	}, 240_000);
});
