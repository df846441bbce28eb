import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {Database} from '../../source/hub/database/database.ts';
import {timeLimit} from '../../source/hub/database/time-limits.ts';
import {isDue} from '../../source/hub/files/due.ts';
import {startMaintenance} from '../../source/hub/upkeep/maintenance.ts';
import {startStoringWords} from '../../source/hub/upkeep/words.ts';

let folder: string;
let file: string;
let ran: string[];
let position: number;
let ends: (() => void)[];
beforeEach(() => {
	vi.useFakeTimers();
	folder = mkdtempSync(join(tmpdir(), 'agentmux-upkeep-'));
	file = join(folder, 'upkeep.json');
	ran = [];
	position = 1000;
	ends = [];
});
afterEach(() => {
	for (const end of ends) end();
	vi.useRealTimers();
	rmSync(folder, {recursive: true});
});

const listed = [
	{name: 'results', agents: true},
	{name: 'messages', agents: false},
];

/** A database in which something is written all the time. */
const database: Database = {
	async run(_, statements) {
		if (statements.some(({text}) => text.includes('agent_roles'))) return [{rows: listed, fields: [], count: 2}];
		position += 1;
		return [
			{rows: [], fields: [], count: 0},
			{rows: [{position: String(position)}], fields: [], count: 1},
		];
	},
	async script({maxTime}, sql) {
		ran.push(sql);
		if (sql !== 'vacuum analyze results') return [];
		// An agent's table that takes longer than any hub waits.
		return new Promise((_, reject) => {
			if (maxTime !== undefined) setTimeout(() => reject(new Error('out of time')), maxTime);
		});
	},
	listen: async () => async () => undefined,
	close: async () => undefined,
};

const minutes = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 60_000);

/** A hub that runs for that many minutes and is then killed. */
async function runFor(count: number, isPaused = false): Promise<void> {
	const end = startMaintenance(database, {log: () => undefined, file, isPaused: () => isPaused});
	ends.push(end);
	await minutes(count);
	end();
}

const vacuums = (): number => ran.filter(sql => sql === 'vacuum analyze messages').length;

describe('upkeep', () => {
	test('vacuums every hour, even if a hub never runs for an hour', async () => {
		for (let run = 0; run < 18; run += 1) await runFor(10);
		expect(vacuums()).toBeGreaterThanOrEqual(2);
		expect(vacuums()).toBeLessThanOrEqual(3);
	});

	test('counts the time in which the hub did not run, or the machine slept', async () => {
		await runFor(1);
		vi.setSystemTime(Date.now() + 3_600_000);
		await runFor(1);
		expect(vacuums()).toBe(1);
	});

	test("has all the time it needs, except for an agent's table", async () => {
		const limits = new Map<string, number>();
		const noting: Database = {
			...database,
			async script(scope, sql) {
				limits.set(sql, timeLimit(scope, 120_000));
				return [];
			},
		};
		ends.push(startMaintenance(noting, {log: () => undefined, file, isPaused: () => false}));
		await minutes(62);
		expect(Object.fromEntries(limits)).toEqual({
			checkpoint: Infinity,
			'vacuum analyze messages': Infinity,
			'vacuum analyze results': 1000,
		});
	});

	test('a vacuum is cancelled when the hub ends, without a word in its log', async () => {
		const log: string[] = [];
		let cancelled = 0;
		const slow: Database = {
			...database,
			script: (_, sql, signal) =>
				new Promise((resolve, reject) => {
					if (sql !== 'vacuum analyze messages') return resolve([]);
					signal?.addEventListener('abort', () => {
						cancelled += 1;
						reject(signal.reason as Error);
					});
				}),
		};
		const end = startMaintenance(slow, {log: sentence => log.push(sentence), file, isPaused: () => false});
		await minutes(62);
		expect(cancelled).toBe(0);
		end();
		await minutes(1);
		expect({cancelled, log}).toEqual({cancelled: 1, log: []});
	});

	test('checkpoints each minute, and does nothing where nothing is written', async () => {
		await runFor(10);
		expect(ran.filter(sql => sql === 'checkpoint').length).toBeGreaterThanOrEqual(9);
		ran = [];
		const still: Database = {
			...database,
			run: async () => [
				{rows: [], fields: [], count: 0},
				{rows: [{position: '7'}], fields: [], count: 1},
			],
		};
		ends.push(startMaintenance(still, {log: () => undefined, file, isPaused: () => false}));
		await minutes(30);
		expect(ran).toEqual([]);
	});

	test('keeps tending leases and watches while it lets others go first', async () => {
		await runFor(1);
		vi.setSystemTime(Date.now() + 3_600_000);
		let tended = 0;
		const busy: Database = {
			...database,
			run: async (scope, statements) => {
				if (statements.some(({text}) => text.includes('tend_tasks'))) tended += 1;
				return database.run(scope, statements);
			},
			script: () => new Promise(() => undefined),
		};
		ends.push(startMaintenance(busy, {log: () => undefined, file, isPaused: () => false}));
		await minutes(1);
		expect(tended).toBeGreaterThanOrEqual(11);
	});

	test('stores the words of old messages in steps, also after one that failed, until there are no more', async () => {
		let steps = 0;
		const logged: string[] = [];
		const old: Database = {
			...database,
			async run() {
				steps += 1;
				if (steps === 2) throw new Error('canceling statement');
				return [{rows: [{more: steps < 5}], fields: [], count: 1}];
			},
		};
		ends.push(startStoringWords(old, sentence => logged.push(sentence)));
		await minutes(10);
		expect(steps).toBe(5);
		expect(logged).toEqual(['Storing the words of old messages failed: canceling statement']);
	});

	test('waits while writing is forbidden', async () => {
		await runFor(1);
		ran = [];
		vi.setSystemTime(Date.now() + 7_200_000);
		await runFor(10, true);
		expect(ran).toEqual([]);
		await runFor(1);
		expect(vacuums()).toBe(1);
	});

	test.each(['', '\0\0\0', '{"a": 1}', '{"at": "soon"}'])(
		'is due in an hour if its file is damaged: %j',
		async text => {
			writeFileSync(file, text);
			await runFor(1);
			expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({at: expect.any(Number) as number});
			vi.setSystemTime(Date.now() + 3_600_000);
			await runFor(1);
			expect(vacuums()).toBe(1);
		},
	);

	test('is due if the clock was set back', () => {
		expect(isDue(1000, 100, 1099)).toBe(false);
		expect(isDue(1000, 100, 1100)).toBe(true);
		expect(isDue(1000, 100, 999)).toBe(true);
	});
});
