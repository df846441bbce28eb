import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';

/** Where the harness with its scripted model lies, and the real programs; without them there is nothing to drive. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';
const codex = process.env['AGENTMUX_REAL_CODEX'] ?? '';
const gemini = process.env['AGENTMUX_REAL_GEMINI'] ?? '';

interface Ran {
	readonly code: number;
	readonly said: string;
	readonly requests: string[];
}

interface Told {
	readonly ran: Ran;
	readonly first: Ran;
	readonly second: Ran;
	readonly seen: string[];
	readonly log: string;
	readonly receipts: {body: string; reader: string; state: string; route: string; attempts: number}[];
	readonly board: {id: number; status: string; attempts: number}[];
	readonly agents: {tag: string; presence: string}[];
}

async function play(scenario: string, ...clients: string[]): Promise<Told> {
	const driver = fileURLToPath(new URL('../fixtures/clients.ts', import.meta.url));
	const words = [process.execPath, driver, harness, codex, gemini, scenario, ...clients];
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, words, {maxBuffer: 1 << 28});
	return JSON.parse(stdout) as Told;
}

/** The first request to the model that holds it; -1: none. */
const first = ({requests}: Ran, pattern: RegExp): number => requests.findIndex(request => pattern.test(request));
const mail = (tag: string, text: string): RegExp =>
	new RegExp(`1 new message for ${tag} in the agentmux mailbox.*${text}`);

const two = {timeout: 240_000};
const programs: {readonly [name: string]: string} = {claude: harness, codex, gemini};
const present = (...names: string[]): boolean => harness !== '' && names.every(name => programs[name] !== '');

describe.runIf(present('codex'))('the real Codex, in a terminal', () => {
	test('is answered elsewhere while somebody looks, and asks in its terminal when nobody does', two, async () => {
		expect(await play('approvals', 'codex')).toMatchObject({
			tool: 'Bash',
			made: ['allowed', 'alone'],
			states: ['allowed', 'denied', 'expired'],
			toldWhy: true,
		});
	});
});

describe.each([
	{client: 'codex', name: 'Codex', end: 'idle'},
	{client: 'gemini', name: 'Gemini CLI', end: 'away'},
])('$name', ({client, end}) => {
	describe.runIf(present(client))('the real one, with what join wrote', () => {
		test('gets mail when it starts, between tools and at its end, answers it, and then ends', two, async () => {
			const {ran, receipts, agents, log} = await play('one', client);
			expect(log).toBe('');
			expect(ran.code).toBe(0);
			expect(ran.said).toContain('All is done.');
			expect(first(ran, mail('ONE', 'before the start'))).toBe(0);
			expect(first(ran, mail('ONE', 'in the middle'))).toBe(1);
			expect(first(ran, mail('ONE', 'as it ends'))).toBe(2);
			expect(first(ran, /Messages from other agents/)).toBe(0);
			expect(receipts).toEqual([
				{body: '@ONE before the start', reader: 'ONE', state: 'read', route: 'start', attempts: 1},
				{body: '@ONE in the middle', reader: 'ONE', state: 'read', route: 'tools', attempts: 1},
				{body: '@ONE as it ends', reader: 'ONE', state: 'acked', route: 'reply', attempts: 1},
			]);
			expect(agents).toMatchObject([{tag: 'ONE', presence: 'away'}]);
		});

		test('shows its model all that check_messages marked as delivered, and nothing twice', two, async () => {
			const {ran, receipts, log} = await play('room', client);
			expect(log).toBe('');
			const numbers = receipts
				.filter(({route}) => route === 'mcp')
				.map(({body}) => Number(/begin (\d+)/.exec(body)?.[1]));
			expect(numbers.length).toBeGreaterThan(3);
			const answer = ran.requests[2] ?? '';
			for (const number of numbers) {
				const text = `@ROOM begin ${number}${' x'.repeat(490)} end ${number}`;
				expect(answer.split(text)).toHaveLength(2);
			}
		});

		test('gives mail to the agent, and not to a subagent that runs a tool when it comes', two, async () => {
			const {ran, receipts, log} = await play('below', client);
			expect(log).toBe('');
			expect(ran.said).toContain('All is done.');
			const told = ran.requests.map(request => mail('ABOVE', 'for the principal').test(request));
			expect(told).toEqual([...told.slice(1).fill(false), true]);
			expect(told.length).toBeGreaterThan(3);
			// To everyone: it is done with when the turn in which it was read has ended.
			expect(receipts).toMatchObject([{state: 'acked', route: 'read', attempts: 1}]);
		});

		test(
			'asks its user for the approvals that join announced, and then gets mail with a prompt and reports its presence',
			two,
			async () => {
				const {ran, seen, receipts, log} = await play('talk', client);
				expect(log).toBe('');
				expect(first(ran, mail('TALK', 'before the start'))).toBe(0);
				expect(first(ran, mail('TALK', 'with the prompt'))).toBe(2);
				expect(receipts).toMatchObject([
					{body: 'before the start', state: 'acked', route: 'read', attempts: 1},
					{body: 'with the prompt', state: 'acked', route: 'read', attempts: 1},
				]);
				expect(seen.slice(0, 3)).toEqual(['blocked', 'idle', 'idle']);
				expect(seen.at(-1)).toBe(end);
			},
		);
	});
});

describe.each(['claude', 'codex', 'gemini'])('%s', client => {
	describe.runIf(present(client))('the real one, with more mail than a hook can hand over at once', () => {
		test('shows its model whole, and once, all that was marked as delivered', two, async () => {
			const {ran, receipts, log} = await play('full', client);
			expect(log).toBe('');
			expect(ran.said).toContain('All is done.');
			const numbers = receipts.map(({body}) => Number(/begin (\d+)/.exec(body)?.[1]));
			expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({length: 14}, (_, index) => index + 1));
			const last = ran.requests.at(-1) ?? '';
			for (const number of numbers) {
				const text = `@FULL begin ${number}${' x'.repeat(490)} end ${number}`;
				expect(last.split(new RegExp(`${text}(?!\\d)`))).toHaveLength(2);
			}
			expect(last).toMatch(/send_message to a sender answers\. #\d+, .* wait: check_messages\./);
		});
	});
});

describe.each([
	['codex', 'gemini'],
	['gemini', 'claude'],
	['claude', 'codex'],
])('%s asks %s', (asking, answering) => {
	describe.runIf(present(asking, answering))('both of them real', () => {
		test('and a request and its answer are finished with no human', two, async () => {
			const {first, second, receipts, log} = await play('two', asking, answering);
			expect(log).toBe('');
			expect([first.code, second.code]).toEqual([0, 0]);
			expect(first.said).toContain('The answer came.');
			expect(second.said).toContain('Answered.');
			expect(receipts.slice(0, 2)).toMatchObject([
				{reader: 'ANSWERING', state: 'acked', route: 'reply', attempts: 1},
				// An answer is done with when it was read.
				{reader: 'ASKING', attempts: 1},
			]);
		});
	});
});

describe.runIf(present('claude', 'codex', 'gemini'))('Claude Code plans, Codex carries out, Gemini CLI reviews', () => {
	test('a plan of five steps, to its end and with no human', {timeout: 480_000}, async () => {
		const {first, second, ran, board, receipts, log} = await play('team', 'claude', 'codex');
		expect(log).toBe('');
		expect([first.code, second.code, ran.code]).toEqual([0, 0, 0]);
		expect(first.said).toContain('All five steps are done.');
		expect(second.said).toContain('Nothing is left.');
		expect(ran.said).toContain('All is reviewed.');
		expect(board.map(({status}) => status)).toEqual(Array.from({length: 6}, () => 'done'));
		expect(board.slice(1).map(({attempts}) => attempts)).toEqual([1, 1, 1, 1, 1]);
		const requests = receipts.filter(({reader}) => reader === 'REVIEWER');
		expect(requests).toHaveLength(5);
		expect(requests.every(({state, attempts}) => state === 'acked' && attempts === 1)).toBe(true);
	});
});
