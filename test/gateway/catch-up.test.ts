import fc from 'fast-check';
import {expect, test} from 'vitest';
import {CatchUp, type Position, type Row, type Source} from '../../source/gateway/catch-up.ts';
import type {Cursor} from '../../source/mailbox/event.ts';
import type {Message} from '../../source/mailbox/message.ts';

const row = (xid: number, id: number): Message => ({id, xid: String(xid)}) as Message;
const isAfter = (one: Message, other: Position): boolean =>
	Number(one.xid) > Number(other.xid) || (one.xid === other.xid && one.id > other.id);

/** A PostgreSQL seen from outside: ids are taken at the insert, rows appear at the commit, in any order. */
class Database implements Source {
	epoch = 1;
	committed: Message[] = [];
	readonly open = new Map<number, Message[]>();
	/** Reads that are under way; each answers with what was committed when it was made. */
	readonly reads: {answer: () => void; fail: () => void}[] = [];
	#xid = 8;
	#id = 0;

	begin(): void {
		this.open.set(++this.#xid, []);
	}
	insert(xid: number): void {
		this.open.get(xid)?.push(row(xid, ++this.#id));
	}
	end(xid: number, commit: boolean): void {
		if (commit) this.committed.push(...(this.open.get(xid) ?? []));
		this.open.delete(xid);
	}
	/** Another database under the same address: every connection breaks. */
	replace(): void {
		this.epoch += 1;
		this.committed = [];
		this.open.clear();
		this.#xid = 8 + (this.epoch % 3) * 40;
		this.#id = 0;
		for (const {fail} of this.reads.splice(0)) fail();
	}
	state(): Promise<{epoch: string; horizon: string}> {
		return this.#read({epoch: String(this.epoch), horizon: String(this.#horizon())});
	}
	page(after: Position, limit: number): Promise<Row[]> {
		const horizon = this.#horizon();
		const rows = this.committed
			.filter(message => isAfter(message, after))
			.sort((one, other) => (isAfter(one, other) ? 1 : -1))
			.slice(0, limit)
			.map(message => ({message, settled: Number(message.xid) < horizon}));
		return this.#read(rows);
	}
	#horizon(): number {
		return Math.min(this.#xid + 1, ...this.open.keys());
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
	readonly catchUp: CatchUp;
	/** What it must not be told: committed before it began, or before the cursor it began from. */
	readonly skipped: Set<string>;
	/** What was committed while it found out where "now" is. */
	readonly either = new Set<string>();
	cursor: Cursor | null;
	live = false;
	/** The epochs that it was told of. */
	readonly replaced: string[] = [];

	constructor(database: Database, from: Cursor | null, limit: number) {
		const key = ({id}: Message): string => `${database.epoch}/${id}`;
		const covers = (message: Message): boolean =>
			from === null || (from.epoch === String(database.epoch) && !isAfter(message, from));
		this.cursor = from;
		this.skipped = new Set(database.committed.filter(covers).map(key));
		const listener = {
			messages: (messages: readonly Message[]) => void this.told.push(...messages.map(key)),
			replaced: (epoch: string) => void this.replaced.push(`${epoch} after ${this.told.length}`),
			cursor: (cursor: Cursor) => {
				if (this.cursor === null) for (const message of database.committed) this.either.add(key(message));
				this.cursor = cursor;
				const passed = [...database.open.keys()].filter(xid => !isAfter(row(xid, 1), cursor));
				if (passed.length > 0) throw new Error(`the cursor passed the open transactions ${passed.join()}`);
				const told = new Set([...this.told, ...this.skipped, ...this.either]);
				const untold = database.committed.filter(message => !isAfter(message, cursor) && !told.has(key(message)));
				if (untold.length > 0) throw new Error(`the cursor passed untold ${untold.map(key).join()}`);
			},
		};
		this.catchUp = new CatchUp(database, listener, from, limit);
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
	act(2, ['abort', 'fail', 'resume', 'replace'], 30),
);

async function settle(): Promise<void> {
	for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

/** Answers everything that is asked, until nothing more is. */
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

test('each committed message is told exactly once, and the cursor never passes what may still commit', async () => {
	const script = fc.array(step, {minLength: 20, maxLength: 150});
	await fc.assert(
		fc.asyncProperty(script, fc.boolean(), fc.integer({min: 1, max: 4}), async (steps, fromStart, limit) => {
			const database = new Database();
			const from = fromStart ? {epoch: '1', xid: '0', id: 0} : null;
			let subscription = new Subscription(database, from, limit);
			const faults: unknown[] = [];
			const run = async (verify: boolean): Promise<void> => {
				const {epoch} = database;
				const mine = subscription;
				try {
					await mine.catchUp.run(verify);
					if (verify && epoch === database.epoch) mine.live = true;
				} catch (error) {
					if (!(error instanceof Error && error.message === 'lost')) faults.push(error);
				}
			};
			const actions: Record<string, (n: number) => void> = {
				begin: () => database.begin(),
				insert: n => database.insert(pick(database.open.keys(), n) ?? 0),
				commit: n => database.end(pick(database.open.keys(), n) ?? 0, true),
				abort: n => database.end(pick(database.open.keys(), n) ?? 0, false),
				post: () => {
					database.begin();
					const xid = Math.max(...database.open.keys());
					database.insert(xid);
					database.end(xid, true);
				},
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
					subscription.live = false;
				},
			};
			for (const {do: name, n} of steps) {
				actions[name]?.(n);
				await (name === 'drain' ? drain(database) : settle());
			}
			for (const xid of database.open.keys()) database.end(xid, xid % 3 !== 0);
			// Twice: the first pass of a subscription without a cursor only finds out where "now" is.
			for (let pass = 0; pass < 2; pass++) {
				const ending = run(true);
				await drain(database);
				await ending;
			}
			expect(faults).toEqual([]);
			const {told, skipped, either} = subscription;
			const all = database.committed.map(({id}) => `${database.epoch}/${id}`);
			const must = all.filter(name => !skipped.has(name) && !either.has(name));
			expect(told.length).toBe(new Set(told).size);
			expect(must.filter(name => !told.includes(name))).toEqual([]);
			expect(told.filter(name => skipped.has(name))).toEqual([]);
			const cursor = subscription.cursor ?? {xid: '0', id: 0};
			expect(database.committed.filter(message => isAfter(message, cursor))).toEqual([]);
		}),
		{numRuns: 1500},
	);
});

test('what a first pass saw before it failed does not hide the messages of another database', async () => {
	const database = new Database();
	const post = (): void => {
		database.begin();
		const xid = Math.max(...database.open.keys());
		database.insert(xid);
		database.end(xid, true);
	};
	// One that stays open keeps "now" before the message.
	database.begin();
	post();
	const {catchUp, told} = new Subscription(database, null, 1);
	const first = catchUp.run(true);
	// Where "now" is, and one page; the next page is asked for when the database goes away.
	for (let answered = 0; answered < 2; answered++) {
		await settle();
		database.reads.shift()?.answer();
	}
	await settle();
	database.replace();
	await expect(first).rejects.toThrow('lost');
	const second = catchUp.run(true);
	await drain(database);
	await second;
	post();
	const third = catchUp.run(false);
	await drain(database);
	await third;
	expect(told).toEqual(['2/1']);
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

test('what was told is forgotten once the cursor has passed it', async () => {
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
		await settle();
		database.reads.shift()?.answer();
		await done;
	};
	await pass();
	expect(subscription.told).toHaveLength(5);
	expect(subscription.cursor).toEqual({epoch: '1', xid: '0', id: 0});
	database.end(9, true);
	await pass();
	expect(subscription.told).toHaveLength(5);
	expect(subscription.cursor).toEqual({epoch: '1', xid: '14', id: 5});
	for (const message of database.committed) subscription.catchUp.offer(message);
	expect(subscription.told).toHaveLength(5);
});

test('the pass that follows a failed one asks anew whose database this is', async () => {
	const database = new Database();
	const {catchUp, told} = new Subscription(database, {epoch: '1', xid: '0', id: 0}, 10);
	const failing = catchUp.run(false);
	await settle();
	const queued = catchUp.run(false);
	database.replace();
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
	expect(told).toEqual(['2/1', '2/2']);
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
	insert(89);
	await run();
	await run();
	expect(told).toEqual(['1/1', '2/1']);
	expect(replaced).toEqual(['2 after 1']);
});
