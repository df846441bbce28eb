// Leases as a state machine: random histories of workers, naps, restarts of the hub and clocks that are set, over the real SQL.
// MODEL_RUNS=2000 npx vitest run test/models/leases.test.ts looks longer.
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {scriptedClock} from '../helpers/clock.ts';
import {engines, type MigratedDatabase} from '../helpers/migrated.ts';
import {LeaseWorld, type Step} from './lease-world.ts';

/** Few, so that each claims again what it lost before. */
const worker = fc.nat({max: 1});
/** Which of those that there are; taken modulo their number. */
const which = fc.nat({max: 40});
const steps: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant('add' as const),
			priority: fc.integer({min: -1, max: 1}),
			attempts: fc.integer({min: 1, max: 3}),
			after: fc.option(which, {nil: null}),
			parent: fc.option(which, {nil: null}),
			delay: fc.constantFrom(0, 0, 0, 100),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('plan' as const),
			size: fc.integer({min: 1, max: 3}),
			inOrder: fc.boolean(),
		}),
	},
	{weight: 8, arbitrary: fc.record({kind: fc.constant('claim' as const), worker, lease: fc.constantFrom(2, 10, 60)})},
	{
		weight: 3,
		arbitrary: fc.record({kind: fc.constant('heartbeat' as const), worker, which, lease: fc.constantFrom(2, 10, 60)}),
	},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('progress' as const), worker, which})},
	{
		weight: 6,
		arbitrary: fc.record({kind: fc.constant('finish' as const), worker, which, ok: fc.boolean(), twice: fc.boolean()}),
	},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('cancel' as const), which})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('retry' as const), which})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('die' as const), worker})},
	{
		weight: 3,
		arbitrary: fc.record({kind: fc.constantFrom('sign' as const, 'sign' as const, 'leave' as const), worker}),
	},
	{weight: 4, arbitrary: fc.record({kind: fc.constant('pass' as const), seconds: fc.constantFrom(3, 5, 20, 70)})},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('sleep' as const),
			seconds: fc.constantFrom(30, 600, 20_000),
			// Who looks at the leases first when the machine wakes.
			first: fc.constantFrom('hub' as const, 'claim' as const),
		}),
	},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('restart' as const), seconds: fc.constantFrom(1, 8, 600)})},
	{
		weight: 2,
		arbitrary: fc.record({kind: fc.constant('clock' as const), seconds: fc.constantFrom(-3600, -50, 3600, 86_400)}),
	},
);

describe.each(engines)('leases on $engine', ({engine, open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	test('at-least-once execution, one accepted completion, no starvation, no zombie wins, naps cost no attempts', async () => {
		const runs = process.env['MODEL_RUNS'];
		const defaults = engine === 'PGlite' ? 20 : 5;
		await fc.assert(
			fc.asyncProperty(fc.array(steps, {minLength: 5, maxLength: 40, size: 'max'}), async history => {
				await database.clear();
				const clock = scriptedClock(database, engine, {frozen: true});
				try {
					const world = new LeaseWorld(database, clock, engine === 'PGlite');
					for (const step of history) await world.take(step);
					expect(await world.drain()).toEqual([]);
				} finally {
					clock.restore();
				}
			}),
			{
				numRuns: Number(runs ?? defaults),
				// On a busy machine fewer histories are played.
				interruptAfterTimeLimit: runs === undefined ? 10_000 : 3_600_000,
				markInterruptAsFailure: false,
			},
		);
	}, 3_600_000);
});
