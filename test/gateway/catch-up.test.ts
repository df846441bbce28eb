import fc from 'fast-check';
import {expect, test} from 'vitest';
import {CatchUp, type Source} from '../../source/gateway/live/catch-up.ts';
import {anchorOf, isBeyond, type Anchor, type Position, type Row} from '../../source/gateway/rest/position.ts';
import type {Cursor, Replaced} from '../../source/mailbox/event.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {History, keyOf} from '../models/history.ts';

/** The history behind a connection that a test answers for. */
class Database extends History implements Source {
	/** Reads in progress; each returns what was committed when it began. */
	readonly reads: {answer: () => void; fail: () => void}[] = [];

	/** Every connection breaks. */
	break(): void {
		for (const {fail} of this.reads.splice(0)) fail();
	}
	epoch(): Promise<string> {
		return this.#read(String(this.generation));
	}
	cursor(): Promise<Cursor> {
		return this.#read({epoch: String(this.generation), ...(this.settled ?? {xid: '0', id: 0})});
	}
	page(place: Position, limit: number): Promise<Row[]> {
		return this.#read(this.after(place, limit).map(message => ({message, settled: this.isSettled(message)})));
	}
	before(anchor: Anchor): Promise<Anchor[]> {
		return this.#read(this.upTo(anchor).map(anchorOf));
	}
	#read<T>(value: T): Promise<T> {
		return new Promise((resolve, reject) => {
			this.reads.push({answer: () => resolve(value), fail: () => reject(new Error('lost'))});
		});
	}
}

/** One subscription: what it was told, and the promises about its cursor, checked at every step. */
class Subscription {
	readonly told: string[] = [];
	/** What was told since another history came last: as a screen does, which reads anew then. */
	readonly shown = new Set<string>();
	readonly catchUp: CatchUp;
	/** What it must not be told: committed before it began, or before the cursor it began from. */
	readonly skipped: Set<string>;
	/** What was committed while it found out where "now" is, or lies before the beginning of one that lost its place at once. */
	readonly either = new Set<string>();
	cursor: Cursor | null;
	live = false;
	/** A pass has ended well: it knows what lies before the place where it began. */
	knows = false;
	readonly replaced: Replaced[] = [];

	constructor(database: Database, from: Cursor | null, limit: number) {
		// A row of the history that it knows, or a place of the same epoch: else it may be told everything.
		const isKnown =
			from === null ||
			(from.at === undefined
				? from.epoch === String(database.generation)
				: database.committed.some(({created_at}) => Date.parse(created_at) === from.at));
		this.cursor = from;
		const before = database.committed.filter(message => from === null || !isBeyond(message, from)).map(keyOf);
		this.skipped = new Set(isKnown ? before : []);
		if (!isKnown) for (const name of before) this.either.add(name);
		const listener = {
			messages: (messages: readonly Message[]) => {
				this.told.push(...messages.map(keyOf));
				for (const message of messages) this.shown.add(keyOf(message));
			},
			began: () => undefined,
			replaced: (replaced: Replaced) => {
				this.replaced.push(replaced);
				this.shown.clear();
			},
			cursor: (cursor: Cursor) => {
				if (this.cursor === null) for (const message of database.committed) this.either.add(keyOf(message));
				this.cursor = cursor;
				const passed = [...database.open.keys()].filter(xid => !isBeyond({xid: String(xid), id: 1}, cursor));
				// One that is told of a history which is gone by now is found out by the next page.
				const isStale =
					cursor.epoch !== String(database.generation) ||
					(cursor.at !== undefined && !database.committed.some(({created_at}) => Date.parse(created_at) === cursor.at));
				if (isStale) return;
				if (passed.length > 0) throw new Error(`the cursor passed the open transactions ${passed.join()}`);
				const told = new Set([...this.told, ...this.skipped, ...this.either]);
				const untold = database.committed.filter(message => !isBeyond(message, cursor) && !told.has(keyOf(message)));
				if (untold.length > 0) throw new Error(`the cursor passed untold ${untold.map(keyOf).join()}`);
			},
		};
		this.catchUp = new CatchUp(database, listener, from, limit);
	}

	/** The history goes on from an earlier point: where it began may not be known yet. */
	rewind(): void {
		if (this.knows) return;
		for (const name of this.skipped) this.either.add(name);
		this.skipped.clear();
	}
}

const act = (weight: number, names: string[], most: number) => ({
	weight,
	arbitrary: fc.record({do: fc.constantFrom(...names), n: fc.nat(most)}),
});
const step = fc.oneof(
	act(3, ['begin', 'ring', 'rejoin'], 0),
	act(6, ['insert', 'commit', 'offer'], 30),
	act(3, ['post', 'drain'], 30),
	act(6, ['answer'], 3),
	act(2, ['abort', 'fail', 'resume', 'replace', 'crash'], 30),
	act(3, ['copy', 'putBack'], 30),
	act(1, ['announce'], 30),
);

async function settle(): Promise<void> {
	for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

/** Answers all requests until there are none left. */
async function drain({reads}: Database): Promise<void> {
	for (let quiet = 0; quiet < 3; quiet += reads.length === 0 ? 1 : 0) {
		for (const {answer} of reads.splice(0)) answer();
		await settle();
	}
}

function pick<T>(from: Iterable<T>, n: number): T | undefined {
	const list = [...from];
	return list[n % list.length];
}

test('each committed message is delivered exactly once, and the cursor never passes transactions that may still commit', async () => {
	const script = fc.array(step, {minLength: 20, maxLength: 150});
	await fc.assert(
		fc.asyncProperty(script, fc.boolean(), fc.integer({min: 1, max: 4}), async (steps, fromStart, limit) => {
			const database = new Database();
			const from = fromStart ? {epoch: '1', xid: '0', id: 0} : null;
			let subscription = new Subscription(database, from, limit);
			const faults: unknown[] = [];
			const run = async (verify: boolean): Promise<void> => {
				const {generation} = database;
				const mine = subscription;
				try {
					await mine.catchUp.run(verify);
					mine.knows = true;
					if (verify && generation === database.generation) mine.live = true;
				} catch (error) {
					if (!(error instanceof Error && error.message === 'lost')) faults.push(error);
				}
			};
			const actions: Record<string, (n: number) => unknown> = {
				begin: () => database.begin(),
				insert: n => database.insert(pick(database.open.keys(), n) ?? 0),
				commit: n => database.end(pick(database.open.keys(), n) ?? 0, true),
				abort: n => database.end(pick(database.open.keys(), n) ?? 0, false),
				post: () => database.post(),
				// Doorbells and payloads come late, twice or never, and only while a verified connection stands.
				ring: () => void (subscription.live && run(false)),
				offer: n => {
					const message = pick(database.committed, n);
					if (subscription.live && message !== undefined) subscription.catchUp.offer(message);
				},
				rejoin: () => void run(true),
				answer: n => pick(database.reads, n) && database.reads.splice(n % database.reads.length, 1)[0]?.answer(),
				fail: n => pick(database.reads, n) && database.reads.splice(n % database.reads.length, 1)[0]?.fail(),
				// The program ends and starts again from the cursor that it kept.
				resume: () => {
					for (const {fail} of database.reads.splice(0)) fail();
					subscription = new Subscription(database, subscription.cursor, limit);
				},
				replace: () => {
					database.replace();
					database.break();
					subscription.live = false;
				},
				crash: () => {
					database.crash();
					database.break();
				},
				copy: () => database.copy(),
				// A hub finds out later.
				announce: () => (database.generation += 1),
				putBack: n => {
					subscription.rewind();
					database.putBack(n % 3 === 0);
					database.break();
				},
			};
			for (const {do: name, n} of steps) {
				actions[name]?.(n);
				await (name === 'drain' ? drain(database) : settle());
			}
			for (const xid of database.open.keys()) database.end(xid, xid % 3 !== 0);
			// The first pass of a subscription without a cursor only finds out where "now" is, and what a doorbell brought may be missed twice.
			for (let pass = 0; pass < 3; pass++) {
				const ending = run(true);
				await drain(database);
				await ending;
			}
			expect(faults).toEqual([]);
			const {told, skipped, either, shown} = subscription;
			const all = database.committed.map(keyOf);
			// What vanished was replaced; nothing shows the loss of what was overtaken by a row that is there.
			const vanished = [...shown].filter(name => !all.includes(name));
			expect(vanished.filter(name => !database.overtaken.has(name))).toEqual([]);
			const must = all.filter(name => !skipped.has(name) && !either.has(name));
			expect(told.length).toBe(new Set(told).size);
			expect(must.filter(name => !told.includes(name))).toEqual([]);
			expect(told.filter(name => skipped.has(name))).toEqual([]);
			const cursor = subscription.cursor ?? {xid: '0', id: 0};
			expect(database.committed.filter(message => isBeyond(message, cursor))).toEqual([]);
		}),
		{numRuns: 1500},
	);
});

test('a first pass that failed does not hide the messages of another database', async () => {
	const database = new Database();
	// One that stays open keeps "now" before the message.
	database.begin();
	database.post();
	const {catchUp, told} = new Subscription(database, null, 1);
	const first = catchUp.run(true);
	// Where "now" is, and one page; the next page is asked for when the database goes away.
	for (let answered = 0; answered < 2; answered++) {
		await settle();
		database.reads.shift()?.answer();
	}
	await settle();
	database.replace();
	database.break();
	await expect(first).rejects.toThrow('lost');
	const second = catchUp.run(true);
	await drain(database);
	await second;
	database.post();
	const third = catchUp.run(false);
	await drain(database);
	await third;
	expect(told.map(name => name.split('@')[0])).toEqual(['1']);
});

test('a hundred doorbells during one pass cause one more pass, not a hundred', async () => {
	const database = new Database();
	const {catchUp} = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	const first = catchUp.run(false);
	await settle();
	const rest = Array.from({length: 100}, () => catchUp.run(false));
	await settle();
	expect(database.reads).toHaveLength(1);
	database.reads.shift()?.answer();
	await first;
	await settle();
	expect(database.reads).toHaveLength(1);
	database.reads.shift()?.answer();
	await Promise.all(rest);
	await settle();
	expect(database.reads).toHaveLength(0);
});

test('delivered ids are dropped once the cursor has passed them', async () => {
	const database = new Database();
	const subscription = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	database.begin();
	for (let xid = 10; xid < 15; xid++) {
		database.begin();
		database.insert(xid);
		database.end(xid, true);
	}
	const pass = async (): Promise<void> => {
		const done = subscription.catchUp.run(false);
		await drain(database);
		await done;
	};
	await pass();
	expect(subscription.told).toHaveLength(5);
	expect(subscription.cursor).toEqual({epoch: '1', xid: '0', id: 0});
	database.end(9, true);
	await pass();
	expect(subscription.told).toHaveLength(5);
	expect(subscription.cursor).toMatchObject({epoch: '1', xid: '14', id: 5});
	for (const message of database.committed) subscription.catchUp.offer(message);
	expect(subscription.told).toHaveLength(5);
});

test('the pass after a failed one checks again which database this is', async () => {
	const database = new Database();
	const {catchUp, told} = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	const failing = catchUp.run(false);
	await settle();
	const queued = catchUp.run(false);
	database.replace();
	database.break();
	for (const xid of [89, 90]) {
		database.begin();
		database.insert(xid);
		database.end(xid, true);
	}
	await expect(failing).rejects.toThrow('lost');
	await drain(database);
	await queued;
	const verified = catchUp.run(true);
	await drain(database);
	await verified;
	expect(told.map(name => name.split('@')[0])).toEqual(['1', '2']);
});

test('another database under the same address is announced before its messages, once', async () => {
	const database = new Database();
	const {catchUp, told, replaced} = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	const insert = (xid: number): void => {
		database.begin();
		database.insert(xid);
		database.end(xid, true);
	};
	const run = async (): Promise<void> => {
		const done = catchUp.run(true);
		await drain(database);
		await done;
	};
	insert(9);
	await run();
	database.replace();
	database.break();
	insert(89);
	await run();
	await run();
	expect(told).toHaveLength(2);
	expect(replaced).toEqual([{epoch: '2', common: null, fresh: 1, more: false}]);
});

test('a change of history that was noticed here is not announced again by the database', async () => {
	const database = new Database();
	const subscription = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	const {catchUp, told, replaced} = subscription;
	const run = async (): Promise<void> => {
		const done = catchUp.run(true);
		await drain(database);
		await done;
	};
	database.post();
	database.copy();
	database.post();
	await run();
	database.putBack(false);
	database.post();
	await run();
	database.generation += 1;
	await run();
	expect(told).toHaveLength(3);
	expect(replaced).toEqual([{epoch: '1', common: 1, fresh: 1, more: false}]);
	expect(subscription.cursor).toMatchObject({epoch: '2', id: 2});
	database.generation += 1;
	await run();
	expect(told).toHaveLength(3);
	expect(replaced.slice(1)).toEqual([{epoch: '3', common: 2, fresh: 0, more: false}]);
});
