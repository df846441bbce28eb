import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {bootstrap} from '../../source/hub/bootstrap.ts';
import {createDirectory} from '../../source/hub/data-directory.ts';
import type {Database, Scope} from '../../source/hub/database.ts';
import {fairDatabase} from '../../source/hub/fair-database.ts';
import {timeLimit} from '../../source/hub/time-limits.ts';
import {WorkerDatabase} from '../../source/hub/worker-database.ts';
import {openPostgresDatabase} from './rest/postgres-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-fair-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const timeout = 1500;
const agent = (tag: string): Scope => ({
	role: 'authenticated',
	claims: {role: 'authenticated', app_metadata: {agent_tag: tag}},
});
const endless = [{text: 'select count(*) from generate_series(1, 10000000000)'}];

it('is a time of its own that each role has, and never more than the database gives', () => {
	expect(timeLimit({role: 'anon'}, 120_000)).toBe(3000);
	expect(timeLimit({role: 'authenticated'}, 120_000)).toBe(8000);
	expect(timeLimit({role: 'service_role'}, 120_000)).toBe(120_000);
	expect(timeLimit({role: 'authenticated'}, 500)).toBe(500);
});

describe.each([
	{
		engine: 'PGlite',
		shares: {atOnce: 2, perCaller: 1},
		open: async (): Promise<Database> => {
			const directory = join(folder, 'pg');
			await createDirectory(directory);
			return WorkerDatabase.open({directory, timeout});
		},
	},
	{
		engine: 'PostgreSQL',
		shares: {atOnce: 3, perCaller: 2},
		open: async (): Promise<Database> => {
			const database = await openPostgresDatabase({timeout});
			await bootstrap(database);
			return database;
		},
	},
])('on $engine', ({shares, open}) => {
	it('one who sends one endless call after the other holds up nobody else for more than one of them', async () => {
		const database = fairDatabase(await open(), shares);
		try {
			let ended = 0;
			const bombs = Array.from({length: 5}, () =>
				database.run(agent('BOMBER'), endless).catch((error: unknown) => {
					ended++;
					return error;
				}),
			);
			for (let call = 1; call <= 3; call++) {
				const [result] = await database.run(agent('CLAUDE_1'), [{text: `select 'served' as is`}]);
				expect(result?.rows).toEqual([{is: 'served'}]);
				expect(ended).toBeLessThanOrEqual(call);
			}
			expect(await Promise.all(bombs)).toEqual(bombs.map(() => expect.objectContaining({code: '57014'})));
		} finally {
			await database.close();
		}
	});

	it('calls of one caller are served in their order', async () => {
		const order: number[] = [];
		const slow: Database = {
			run: async (_scope, [statement]) => {
				await new Promise(resolve => setTimeout(resolve, 1));
				order.push(Number(statement?.text));
				return [];
			},
			script: () => Promise.reject(new Error('unused')),
			listen: () => Promise.reject(new Error('unused')),
			close: () => Promise.resolve(),
		};
		const database = fairDatabase(slow, {...shares, perCaller: 1});
		await Promise.all([1, 2, 3, 4].map(text => database.run(agent('CLAUDE_1'), [{text: String(text)}])));
		expect(order).toEqual([1, 2, 3, 4]);
	});
});
