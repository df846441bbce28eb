import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest';
import type {Database} from '../../../source/hub/database/database.ts';
import {SchemaCache} from '../../../source/hub/rest/catalog/schema-cache.ts';
import {openInMemory} from '../../helpers/prepared.ts';

let real: Database;
/** Reads of the catalog wait for `gate`, and are counted. */
let gate: Promise<void> = Promise.resolve();
let reads = 0;
let change: (payload: string) => void = () => undefined;
const database: Database = {
	async run(scope, statements, signal) {
		if (statements.length === 2) {
			reads += 1;
			await gate;
		}
		return real.run(scope, statements, signal);
	},
	script: (scope, sql, signal) => real.script(scope, sql, signal),
	async listen(_, listener) {
		change = listener;
		return async () => undefined;
	},
	close: () => real.close(),
};

beforeAll(async () => {
	real = await openInMemory();
});
afterAll(() => real.close());
beforeEach(() => {
	gate = Promise.resolve();
	reads = 0;
});

it('reads the catalog once, and again when the schema has changed', async () => {
	const cache = new SchemaCache(database);
	const [one, two] = await Promise.all([cache.catalog(), cache.catalog()]);
	expect(two).toBe(one);
	expect(await cache.catalog()).toBe(one);
	expect(reads).toBe(1);
	change('reload schema');
	expect(await cache.catalog()).not.toBe(one);
	expect(reads).toBe(2);
});

it('returns the previous catalog immediately for mail, and after a second for other requests', async () => {
	const cache = new SchemaCache(database);
	const one = await cache.catalog();
	const held = Promise.withResolvers<void>();
	gate = held.promise;
	change('reload schema');
	expect(await cache.catalog(0)).toBe(one);
	expect(await cache.catalog()).toBe(one);
	held.resolve();
	await expect.poll(() => cache.catalog()).not.toBe(one);
});

it('returns the previous catalog if reading fails, and reads it again', async () => {
	const cache = new SchemaCache(database);
	const one = await cache.catalog();
	change('reload schema');
	gate = Promise.reject(new Error('canceling statement due to lock timeout'));
	expect(await cache.catalog()).toBe(one);
	gate = Promise.resolve();
	expect(await cache.catalog()).not.toBe(one);
});

it('does not use a catalog that was read before a change', async () => {
	const cache = new SchemaCache(database);
	const held = Promise.withResolvers<void>();
	gate = held.promise;
	const early = cache.catalog();
	await expect.poll(() => reads).toBe(1);
	change('reload schema');
	held.resolve();
	const stale = await early;
	expect(await cache.catalog()).not.toBe(stale);
	expect(reads).toBe(2);
});
