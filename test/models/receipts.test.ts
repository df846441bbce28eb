import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';

/** More runs than by default: MODEL_RUNS=1000. */
const runs = Number(process.env['MODEL_RUNS'] ?? 40);

/** Seconds, as the migrations have them. */
const lease = 30;
const maxLease = 600;
/** Seconds of real time that a run may take in addition to the scripted time. */
const slack = 20;

/** A message that was handed out, and its fate. */
interface Letter {
	readonly id: number;
	/** The session that took it last, until it releases it; it may have ended since. */
	holder: Take | null;
	/** How often a session wrote it out. */
	flushed: number;
	/** How often its receipt got through, of hand-overs that it was for. */
	said: number;
	/** The session that was handed it, until that has read it, gives it back, or another takes it. */
	reader: number | null;
	/** How often it was given back by a session that had not read it. */
	returned: number;
	read: boolean;
	acked: boolean;
	/** Nobody needs to answer a message to everyone: it is done with when it is read. */
	readonly isToEveryone: boolean;
}

/** One call of `take`, with what became of it. */
interface Take {
	readonly takeId: string;
	readonly letters: readonly Letter[];
	/** Seconds of scripted time when it was made. */
	readonly at: number;
	/** The clock was set forward since, so its lease may have ended early. */
	disturbed: boolean;
	isFlushed: boolean;
}

interface Model {
	/** Seconds that have passed, whatever the clock says. */
	time: number;
	joined: boolean;
	/** What is for the reader, oldest first. */
	readonly letters: Letter[];
	/** What each session is about to hand over; null: nothing. */
	readonly sessions: (Take | null)[];
	takes: number;
}

interface Real {
	readonly reader: string;
	/** One for each session of the reader. */
	readonly sessions: readonly Mailbox[];
	readonly sender: Mailbox;
	readonly sql: (query: string) => Promise<unknown>;
}

type Command = fc.AsyncCommand<Model, Real>;

const command = (
	name: string,
	run: (model: Model, real: Real) => Promise<void>,
	check?: (model: Model) => boolean,
): Command => ({
	check: model => check?.(model) ?? true,
	run: async (model, real) => {
		await run(model, real);
		await promised(model, real);
	},
	toString: () => name,
});

const letter = (id: number, isToEveryone: boolean): Letter => ({
	id,
	holder: null,
	flushed: 0,
	said: 0,
	reader: null,
	returned: 0,
	read: false,
	acked: false,
	isToEveryone,
});

/** Nothing counts as acked, read or handed over that was not. */
async function promised({letters}: Model, {reader, sender}: Real): Promise<void> {
	const receipts = await sender.receipts(letters.map(({id}) => id));
	for (const {id, flushed, said, read, returned, acked} of letters) {
		const receipt = receipts.find(each => each.message_id === id && each.reader === reader);
		expect(receipt?.state === 'acked').toBe(acked);
		if (acked) continue;
		expect(receipt?.state === 'read').toBe(read);
		expect(receipt?.returned ?? 0).toBe(returned);
		if (flushed === 0) expect(receipt?.delivered_at ?? null).toBeNull();
		expect(receipt?.attempts ?? 0).toBe(said);
		expect(said).toBeLessThanOrEqual(flushed);
	}
}

/** Whether that take must still have it exclusively. */
function isHeld({time}: Model, take: Take | null): boolean {
	return take !== null && !take.disturbed && time - take.at < lease - slack;
}

/** Checks what a session was given. */
function taken(model: Model, session: number, ids: readonly number[], limit: number): void {
	expect(new Set(ids).size).toBe(ids.length);
	const letters = ids.map(id => model.letters.find(each => each.id === id));
	const found = letters.filter(each => each !== undefined);
	// Only what is for the reader.
	expect(found).toHaveLength(ids.length);
	const take = {takeId: String(model.takes), letters: found, at: model.time, disturbed: false, isFlushed: false};
	for (const each of found) {
		// To one session at a time; and never what was read or acked, or handed over five times and not given back.
		expect(isHeld(model, each.holder)).toBe(false);
		expect(each.acked).toBe(false);
		expect(each.read).toBe(false);
		expect(each.said - each.returned).toBeLessThan(5);
		each.holder = take;
		each.reader = null;
	}
	// What nobody has had yet is not kept from anybody, but by the limit.
	const missed = model.letters.filter(each => each.holder === null && each.flushed === 0 && !each.acked);
	if (found.length < limit) expect(missed).toEqual([]);
	model.sessions[session] = take;
}

async function takeFor(model: Model, real: Real, session: number, limit: number): Promise<readonly number[]> {
	model.takes += 1;
	const takeId = String(model.takes);
	const messages = await real.sessions[session]?.take({limit, route: 'mcp', takeId});
	return (messages ?? []).map(({id}) => id);
}

/** Lets time pass, or puts the clock: what a lease is compared with moves the other way. */
async function move({reader, sql}: Real, seconds: number): Promise<void> {
	await sql(`update receipts set lease_until = lease_until - interval '${seconds} seconds' where reader = '${reader}';
		update agents set joined_at = joined_at - interval '${seconds} seconds' where tag = '${reader}'`);
}

const session = fc.nat({max: 1});

const post = fc.constantFrom('name', 'everyone', 'another').map(to =>
	command(`post to ${to}`, async (model, {reader, sender}) => {
		const address = to === 'name' ? `@${reader} ` : to === 'another' ? '@NOBODY ' : '';
		const {id} = await sender.post({content: `[SENDER] ${address}x`});
		if (to === 'name' || (to === 'everyone' && model.joined)) model.letters.push(letter(id, to === 'everyone'));
	}),
);

const join = fc.constant(
	command('join', async (model, {sessions}) => {
		await sessions[0]?.touch({});
		model.joined = true;
	}),
);

const take = fc.tuple(session, fc.integer({min: 1, max: 4})).map(([which, limit]) =>
	command(
		`${which}: take ${limit}`,
		async (model, real) => taken(model, which, await takeFor(model, real, which, limit), limit),
		model => model.sessions[which] === null,
	),
);

const takeAtOnce = fc.constant(
	command('both take at once', async (model, real) => {
		model.sessions.fill(null);
		const [one, other] = await Promise.all([takeFor(model, real, 0, 2), takeFor(model, real, 1, 2)]);
		// Which came first is not known: together they took as one.
		const both = [...one, ...other].sort((a, b) => a - b);
		taken(model, 0, both, 4);
		// Names of takes matter for giving back alone: neither does.
		model.sessions[0] = null;
	}),
);

/** The response to a take is lost; the session still knows its name, and may release what it has not seen. */
const takeUnseen = fc.tuple(session, fc.boolean()).map(([which, givesBack]) =>
	command(`${which}: take, whose answer is lost${givesBack ? ', and give back' : ''}`, async (model, real) => {
		const ids = await takeFor(model, real, which, 3);
		taken(model, which, ids, 3);
		const lost = model.sessions[which] ?? null;
		model.sessions[which] = null;
		if (lost !== null && givesBack) await giveBack(lost, real.sessions[which]);
	}),
);

async function giveBack(held: Take, mailbox: Mailbox | undefined): Promise<void> {
	await mailbox?.release(held.takeId);
	for (const each of held.letters) if (each.holder === held) each.holder = {...held, disturbed: true};
}

const holds = (which: number, flushed: boolean) => (model: Model) => model.sessions[which]?.isFlushed === flushed;

const flush = session.map(which =>
	command(
		`${which}: flush`,
		async model => {
			const held = model.sessions[which];
			if (held === null || held === undefined) return;
			held.isFlushed = true;
			for (const each of held.letters) each.flushed += 1;
		},
		holds(which, false),
	),
);

const say = session.map(which =>
	command(
		`${which}: say that it was delivered`,
		async (model, {sessions}) => {
			const held = model.sessions[which];
			if (held === null || held === undefined) return;
			await sessions[which]?.deliver(
				held.letters.map(({id}) => id),
				'prompt',
				`session ${which}`,
			);
			model.sessions[which] = null;
			for (const each of held.letters) {
				// Another's take that this one overtook is over with it: it was handed over once.
				if (each.holder === null || each.acked) continue;
				each.said += 1;
				each.holder = null;
				each.reader = which;
			}
		},
		holds(which, true),
	),
);

const release = session.map(which =>
	command(
		`${which}: give back`,
		async (model, {sessions}) => {
			const held = model.sessions[which];
			if (held === null || held === undefined) return;
			await giveBack(held, sessions[which]);
			model.sessions[which] = null;
		},
		holds(which, false),
	),
);

const readBy =
	(which: number) =>
	({letters}: Model): Letter[] =>
		letters.filter(({reader}) => reader === which);

const endTurn = session.map(which =>
	command(`${which}: its turn ends`, async (model, {sessions}) => {
		await sessions[which]?.endTurn(`session ${which}`);
		for (const each of readBy(which)(model)) {
			each.reader = null;
			if (each.acked) continue;
			if (each.isToEveryone) each.acked = true;
			else each.read = true;
		}
	}),
);

const failTurn = session.map(which =>
	command(
		`${which}: its model call fails`,
		async (model, {sessions}) => {
			await sessions[which]?.giveBack(`session ${which}`);
			for (const each of readBy(which)(model)) {
				each.reader = null;
				if (!each.acked) each.returned += 1;
			}
		},
		model => readBy(which)(model).length > 0,
	),
);

const crash = session.map(which =>
	command(`${which}: die`, async model => {
		model.sessions[which] = null;
	}),
);

const ack = fc.nat({max: 9}).map(which =>
	command(
		`ack the ${which}th`,
		async (model, {sessions}) => {
			const each = model.letters[which];
			if (each === undefined) return;
			await sessions[1]?.ack([each.id], 'mcp');
			each.acked = true;
		},
		model => (model.letters[which]?.flushed ?? 0) > 0,
	),
);

const pass = fc.constantFrom(1, 12, 31, 301, 601).map(seconds =>
	command(`${seconds} s pass`, async (model, real) => {
		await move(real, seconds);
		model.time += seconds;
	}),
);

const clock = fc.constantFrom(-3600, 3600).map(seconds =>
	command(`the clock is put ${seconds < 0 ? 'back' : 'forward'} by an hour`, async (model, real) => {
		await move(real, seconds);
		if (seconds > 0) for (const {holder} of model.letters) if (holder !== null) holder.disturbed = true;
	}),
);

/**
 * Whatever happened before: a session that works is handed everything that was not taken in, within ten minutes or so. Resolves
 * with the ids that it was not handed.
 */
async function neverHandedOver(model: Model, real: Real): Promise<number[]> {
	model.sessions.fill(null);
	const open = new Set(
		model.letters.filter(each => !each.acked && !each.read && each.said - each.returned < 5).map(({id}) => id),
	);
	// The first look shortens what leases of another clock would last.
	for (let look = 0; look < 2; look += 1) {
		for (;;) {
			const ids = await takeFor(model, real, 0, 50);
			if (ids.length === 0) break;
			await real.sessions[0]?.deliver(ids, 'mcp');
			for (const id of ids) open.delete(id);
		}
		await move(real, maxLease + 1);
	}
	return [...open];
}

describe.each([
	{engine: 'PGlite', runs},
	{engine: 'PostgreSQL', runs: Math.ceil(runs / 4)},
])('receipts on $engine', ({engine, runs}) => {
	let postgres: PostgresServer | null = null;
	let hub: TestHub;
	let count = 0;

	beforeAll(async () => {
		if (engine === 'PostgreSQL') postgres = await startPostgres();
		hub = await startTestHub(postgres === null ? {} : {env: {AGENTMUX_DATABASE_URL: postgres.connectionString}});
	});
	afterAll(async () => {
		await hub.stop();
		await postgres?.stop();
	});

	const open = (tag: string): Mailbox => connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag)});

	test('are handed over at least once to a live session, to one at a time, and never counted if they were not', async () => {
		const commands = fc.commands(
			[
				post,
				post,
				join,
				take,
				take,
				takeAtOnce,
				takeUnseen,
				flush,
				flush,
				say,
				say,
				release,
				endTurn,
				failTurn,
				failTurn,
				crash,
				ack,
				pass,
				pass,
				clock,
			],
			{maxCommands: 40, size: 'max'},
		);
		await fc.assert(
			fc.asyncProperty(commands, async script => {
				count += 1;
				const reader = `READER_${count}`;
				const mailboxes = [open('SENDER'), open(reader), open(reader)] as const;
				const [sender, ...sessions] = mailboxes;
				const sql = (query: string) => runSql({url: hub.url, project_ref: 'local', token: hub.serviceRoleKey}, query);
				const real: Real = {reader, sender, sessions, sql};
				const model: Model = {time: 0, joined: false, letters: [], sessions: [null, null], takes: 0};
				try {
					await fc.asyncModelRun(() => ({model, real}), script);
					expect(await neverHandedOver(model, real)).toEqual([]);
				} finally {
					await Promise.all(mailboxes.map(mailbox => mailbox.close()));
				}
			}),
			{numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: 110_000},
		);
	}, 120_000);
});
