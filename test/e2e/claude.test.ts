import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

interface Ran {
	readonly code: number;
	readonly seconds: number;
	readonly result: string;
	readonly requests: string[];
}

interface Told {
	readonly ran: Ran;
	readonly first: Ran;
	readonly second: Ran;
	readonly log: string;
	readonly receipts: {body: string; reader: string; state: string; route: string; attempts: number}[];
	readonly agents: {tag: string; presence: string}[];
}

async function play(scenario: string): Promise<Told> {
	const driver = fileURLToPath(new URL('../fixtures/claude.ts', import.meta.url));
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	return JSON.parse(stdout) as Told;
}

const last = (ran: Ran, pattern: RegExp): number => ran.requests.findIndex(request => pattern.test(request));

describe.runIf(harness !== '')('the real Claude Code, with what join wrote', {timeout: 240_000}, () => {
	test('gets mail when it starts, between tools and at its end, and then ends', async () => {
		const {ran, receipts, agents, log} = await play('one');
		expect(log).toBe('');
		expect(ran).toMatchObject({code: 0, result: 'All is done.'});
		expect(last(ran, /SessionStart hook additional context: 1 new message for CLAUDE_1.*before the start/)).toBe(0);
		expect(last(ran, /PostToolBatch hook additional context: 1 new message.*in the middle/)).toBe(1);
		expect(last(ran, /Stop hook additional context:.*at the end/)).toBe(3);
		expect(receipts).toEqual([
			{body: '@CLAUDE_1 before the start', reader: 'CLAUDE_1', state: 'read', route: 'start', attempts: 1},
			{body: '@CLAUDE_1 in the middle', reader: 'CLAUDE_1', state: 'read', route: 'tools', attempts: 1},
			{body: '@CLAUDE_1 at the end', reader: 'CLAUDE_1', state: 'acked', route: 'reply', attempts: 1},
		]);
		expect(agents).toMatchObject([{tag: 'CLAUDE_1', presence: 'away'}]);
	});

	test('two of them finish a request and its answer with no human', async () => {
		const {first, second, receipts, log} = await play('two');
		expect(log).toBe('');
		expect(first).toMatchObject({code: 0, result: 'The answer came.'});
		expect(second).toMatchObject({code: 0, result: 'Answered.'});
		expect(receipts.slice(0, 2)).toMatchObject([
			{reader: 'CLAUDE_TWIN', state: 'acked', route: 'reply', attempts: 1},
			{reader: 'CLAUDE_1', state: 'acked', route: 'read', attempts: 1},
		]);
	});

	test('run by a script, takes no mail, is not kept going and is shown to nobody', async () => {
		const {ran, receipts, agents, log} = await play('script');
		expect(log).toBe('');
		expect(ran).toMatchObject({code: 0, result: 'Fix a typo'});
		expect(ran.requests.join('')).not.toMatch(/process task X|new messages? for CLAUDE_1/);
		expect(receipts).toEqual([]);
		expect(agents).toMatchObject([{tag: 'CLAUDE_1', sessions: 0, wake: null}]);
	});

	test('runs hooks and servers in a folder whose name a shell would split', async () => {
		const {ran, receipts, log} = await play('odd');
		expect(log).toBe('');
		expect(ran).toMatchObject({code: 0, result: 'Answered.'});
		expect(receipts).toMatchObject([{body: '@CLAUDE_1 to an odd place', state: 'acked', route: 'reply'}]);
	});

	test('below a joined folder has its servers, but hooks and a tag of its own only where it has joined itself', async () => {
		const {first, second, receipts} = await play('below');
		expect(first).toMatchObject({code: 0, result: 'Answered.'});
		expect(second).toMatchObject({code: 0, result: 'Looked.'});
		expect(second.requests.join('')).not.toContain('hook additional context');
		expect(last(second, /to both/)).toBe(1);
		expect(receipts).toMatchObject([
			{reader: 'CLAUDE_1', state: 'taken', route: 'mcp'},
			{reader: 'CLAUDE_2', state: 'acked', route: 'reply'},
		]);
	});

	test('with the hub down it works as if there were no mailbox, and its model is not told', async () => {
		const {ran, log} = await play('down');
		expect(ran).toMatchObject({code: 0, result: 'All is done.'});
		expect(ran.requests.join('')).not.toMatch(/hook (additional context|feedback|blocking)|not handed over|hub is not/);
		expect(log).toContain('SessionStart --headless: the hub is not running');
	});
});
