import fc from 'fast-check';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../../source/hub/database/database.ts';
import {decode} from '../../../source/hub/realtime/frame.ts';
import {elements, members, objectText} from '../../../source/hub/realtime/json-text.ts';
import type {Limits} from '../../../source/hub/realtime/limits.ts';
import {RawClient, type RawFrame} from './raw-client.ts';
import {openDatabase, soon, startRig, until, type Rig} from './rig.ts';

let database: Database;
let rig: Rig;

beforeAll(async () => {
	database = await openDatabase();
	await database.script(
		owner,
		`create table notes (id bigint generated always as identity primary key, body text);
		grant all on notes to anon; alter publication supabase_realtime add table notes`,
	);
});

afterAll(() => database.close());

afterEach(async () => {
	rig.checkFaults();
	await rig.stop();
});

/** Sends a join and resolves with the status and reason of its reply. */
async function asked(client: RawClient, topic: string, config: object = {}): Promise<unknown> {
	const ref = `ref-${client.frames.length}-${topic.slice(0, 20)}`;
	client.send(ref, ref, `realtime:${topic}`, 'phx_join', {config: {presence: {enabled: false}, ...config}});
	const isReply = (frame: RawFrame): boolean => frame[1] === ref && frame[3] === 'phx_reply';
	await until(() => client.frames.some(isReply));
	const {status, response} = client.frames.find(isReply)?.[4] ?? {};
	return status === 'ok' ? 'ok' : (response as {readonly reason: string}).reason.split(':')[0];
}

async function start(limits: Partial<Limits> = {}): Promise<RawClient> {
	rig = await startRig(limits, database);
	return connect();
}

function connect(): Promise<RawClient> {
	return RawClient.open(rig, rig.token({role: 'anon', exp: soon()}));
}

const topics = fc.constantFrom(
	'realtime:a',
	'realtime:b',
	'realtime:',
	'phoenix',
	'realtime:public:notes',
	'other',
	'',
);
const events = fc.constantFrom(
	'phx_join',
	'phx_leave',
	'broadcast',
	'presence',
	'access_token',
	'heartbeat',
	'__proto__',
);
const shapes = fc.oneof(
	fc.jsonValue(),
	fc.record(
		{
			config: fc.oneof(
				fc.jsonValue(),
				fc.record(
					{
						broadcast: fc.oneof(
							fc.jsonValue(),
							fc.record({ack: fc.jsonValue(), self: fc.jsonValue(), replay: fc.jsonValue()}),
						),
						presence: fc.oneof(fc.jsonValue(), fc.record({key: fc.jsonValue(), enabled: fc.jsonValue()})),
						private: fc.jsonValue(),
						postgres_changes: fc.oneof(
							fc.jsonValue(),
							fc.array(
								fc.record(
									{
										event: fc.oneof(fc.jsonValue(), fc.constant('*')),
										schema: fc.oneof(fc.jsonValue(), fc.constant('public')),
										table: fc.oneof(fc.jsonValue(), fc.constant('notes')),
										filter: fc.oneof(
											fc.jsonValue(),
											fc.string(),
											fc.string().map(text => `body=eq.${text}`),
											fc.string().map(text => `id=in.(${text})`),
										),
									},
									{requiredKeys: []},
								),
								{maxLength: 3},
							),
						),
					},
					{requiredKeys: []},
				),
			),
			access_token: fc.jsonValue(),
			event: fc.oneof(fc.jsonValue(), fc.constantFrom('track', 'untrack')),
			payload: fc.jsonValue(),
			type: fc.jsonValue(),
		},
		{requiredKeys: []},
	),
);
const frames = fc.oneof(
	{
		weight: 8,
		arbitrary: fc.tuple(fc.jsonValue(), fc.jsonValue(), topics, events, shapes).map(frame => JSON.stringify(frame)),
	},
	{weight: 1, arbitrary: fc.json()},
	{weight: 1, arbitrary: fc.string()},
	{weight: 1, arbitrary: fc.uint8Array({maxLength: 60}).map(bytes => Buffer.from(bytes))},
	{weight: 1, arbitrary: fc.uint8Array({maxLength: 60}).map(bytes => Buffer.from([3, 1, 1, 10, 1, 0, 1, ...bytes]))},
);

test('no frame, however strange, harms the others', async () => {
	const watcher = await start();
	await watcher.join('watch', [{event: 'INSERT', schema: 'public', table: 'notes'}]);
	await fc.assert(
		fc.asyncProperty(fc.array(frames, {maxLength: 12}), fc.constantFrom('1.0.0', '2.0.0'), async (sent, vsn) => {
			const token = rig.token({role: 'anon', exp: soon()});
			const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=${vsn}&apikey=${token}`);
			socket.on('error', () => undefined);
			await new Promise(resolve => socket.once('open', resolve));
			for (const frame of sent) socket.send(frame);
			// Answered, or closed for a frame before.
			await new Promise(resolve => {
				socket.once('pong', resolve).once('close', resolve);
				socket.ping();
			});
			socket.terminate();
			await watcher.heartbeat();
		}),
		{numRuns: 150},
	);
	await rig.sql(`insert into notes (body) values ('still here')`);
	await until(() => watcher.changes.length === 1);
	expect(watcher.closed).toBe(null);
});

test('decoding agrees with JSON.parse, and keeps the text of a payload', () => {
	fc.assert(
		fc.property(fc.jsonValue(), fc.jsonValue(), fc.integer({min: 0, max: 3}), (ref, payload, indent) => {
			const array = JSON.stringify([ref, ref, 'topic', 'event', payload], null, indent);
			const object = JSON.stringify({payload, ref, topic: 'topic', event: 'event'}, null, indent);
			const pushes = [decode('2.0.0', Buffer.from(array), false), decode('1.0.0', Buffer.from(object), false)];
			for (const push of pushes) expect(JSON.parse(push?.text() ?? '')).toEqual(JSON.parse(JSON.stringify(payload)));
		}),
	);
});

test('cutting JSON into its parts and putting it together again changes nothing', () => {
	fc.assert(
		fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (object, array) => {
			const text = JSON.stringify(object);
			expect(JSON.parse(objectText(members(text)))).toEqual(JSON.parse(text));
			expect(elements(JSON.stringify(array))).toEqual(array.map(element => JSON.stringify(element)));
		}),
	);
});

test('random bytes are a push or none, and never an error', () => {
	fc.assert(
		fc.property(fc.uint8Array(), fc.boolean(), (bytes, binary) => {
			for (const version of ['1.0.0', '2.0.0'] as const) {
				expect(decode(version, Buffer.from(bytes), binary)).toSatisfy(
					push => push === null || typeof push.topic === 'string',
				);
			}
		}),
	);
});

test('a client that does not read is disconnected, and the others go on', async () => {
	const reader = await start({buffered: 200_000});
	const lazy = await connect();
	await reader.join('talk', [], {broadcast: {ack: true, self: true}});
	await lazy.join('talk');
	lazy.socket.pause();
	const text = 'x'.repeat(100_000);
	// The kernel's buffers hold some megabytes first.
	for (let n = 0; n < 300; n++) {
		reader.send('r', `${n}`, 'realtime:talk', 'broadcast', {event: 'e', payload: {n, text}});
		await until(() => reader.frames.some(frame => frame[3] === 'phx_reply' && frame[1] === `${n}`));
	}
	await until(() => reader.frames.filter(frame => frame[3] === 'broadcast').length === 300);
	lazy.socket.resume();
	await until(() => lazy.closed !== null);
	expect(lazy.frames.filter(frame => frame[3] === 'broadcast').length).toBeLessThan(300);
});

test('a subscriber that does not read is disconnected, and others with the same rights get every change', async () => {
	const reader = await start({buffered: 200_000});
	const lazy = await connect();
	const notes = [{event: 'INSERT', schema: 'public', table: 'notes'}];
	await reader.join('notes', notes);
	await lazy.join('notes', notes);
	lazy.socket.pause();
	// The kernel's buffers hold some megabytes first.
	for (let n = 1; n <= 140; n++) {
		await rig.sql(`insert into notes (body) values (repeat('x', 100000))`);
		await until(() => reader.changes.length === n);
	}
	lazy.socket.resume();
	await until(() => lazy.closed !== null);
	expect(lazy.changes.length).toBeLessThan(140);
	expect(reader.closed).toBe(null);
});

test('too many waiting changes end the channels, which join again and catch up', async () => {
	const client = await start({changes: 50});
	await client.join('notes', [{event: '*', schema: 'public', table: 'notes'}]);
	await rig.sql(`insert into notes (body) select 'n' from generate_series(1, 200)`);
	await until(() => client.frames.some(frame => frame[3] === 'phx_error'));
	await client.join('again', [{event: '*', schema: 'public', table: 'notes'}]);
	await rig.sql(`insert into notes (body) values ('after')`);
	await until(() => client.changes.length > 0);
	expect(client.changes).toMatchObject([{record: {body: 'after'}}]);
});

test('too many channels on one socket are refused', async () => {
	const client = await start({channels: 2});
	for (const topic of ['a', 'b', 'c']) await client.join(topic);
	expect(client.frames.map(frame => frame[4]['status'])).toEqual(['ok', 'ok', 'error']);
});

const tooMany = 'ChannelRateLimitReached';

test('the holder of a token has a limited number of channels on all sockets, and gets them back by leaving', async () => {
	const first = await start({anonChannels: 3});
	const second = await connect();
	const other = await RawClient.open(rig, rig.token({role: 'authenticated', exp: soon()}));
	expect([await asked(first, 'a'), await asked(first, 'b')]).toEqual(['ok', 'ok']);
	expect([await asked(second, 'c'), await asked(second, 'd')]).toEqual(['ok', tooMany]);
	expect(await asked(other, 'e')).toBe('ok');
	first.send(null, 'leaving', 'realtime:a', 'phx_leave', {});
	await until(() => first.frames.some(frame => frame[1] === 'leaving'));
	expect([await asked(second, 'f'), await asked(second, 'g')]).toEqual(['ok', tooMany]);
	second.socket.close();
	first.socket.terminate();
	const third = await connect();
	// When it has received both.
	await expect.poll(() => asked(third, 'h'), {timeout: 20_000, interval: 50}).toBe('ok');
	await expect.poll(() => asked(third, 'i'), {timeout: 20_000, interval: 50}).toBe('ok');
	expect([await asked(third, 'j'), await asked(third, 'k')]).toEqual(['ok', tooMany]);
});

test('a client that fills the share of the anon key gives way to those who have fewer channels', async () => {
	const noisy = [await start({anonChannels: 20, anonBindings: 40}), await connect()];
	const notes = {postgres_changes: [1, 2].map(() => ({event: '*', schema: 'public', table: 'notes'}))};
	for (const [nth, client] of noisy.entries()) {
		const answers = [];
		for (let count = 0; count < 10; count++) answers.push(await asked(client, `noise ${nth} ${count}`, notes));
		expect(new Set(answers)).toEqual(new Set(['ok']));
	}
	const quiet = await connect();
	for (const topic of ['a', 'b', 'c']) expect(await asked(quiet, topic, notes)).toBe('ok');
	// They are notified, and refused when they join again.
	const ended = noisy.flatMap(({frames}) => frames.filter(frame => frame[3] === 'phx_error').map(frame => frame[2]));
	expect(ended).toHaveLength(3);
	expect(new Set(ended).size).toBe(3);
	const answers = [];
	for (const client of noisy)
		for (let count = 0; count < 5; count++) answers.push(await asked(client, `more ${count}`, notes));
	expect(answers.at(-1)).toBe(tooMany);
	quiet.send(null, null, 'realtime:a', 'broadcast', {event: 'x', payload: {}, type: 'broadcast'});
	await quiet.heartbeat();
	expect(quiet.frames.filter(frame => frame[3] === 'phx_error')).toEqual([]);
});

test('a join larger than the hub may store is refused', async () => {
	const client = await start({anonBindings: 150, control: 8192, topic: 100});
	const many = (count: number) => ({
		postgres_changes: Array.from({length: count}, () => ({event: '*', schema: 'public', table: 'notes'})),
	});
	expect(await asked(client, 'x'.repeat(101))).toBe('TopicNameTooLong');
	expect(await asked(client, 'large', {note: 'y'.repeat(9000)})).toBe('PayloadTooLarge');
	const answers = [];
	for (const topic of ['a', 'b', 'c', 'd']) answers.push(await asked(client, topic, many(50)));
	expect(answers).toEqual(['ok', 'ok', 'ok', tooMany]);
	client.send(null, '9', 'realtime:a', 'presence', {event: 'track', payload: {note: 'z'.repeat(9000)}});
	await until(() => client.closed !== null);
});

test('the anon key costs the database nothing where no policy lets it into a private channel', async () => {
	let questions = 0;
	const counted: Database = {
		run: (scope, statements) => {
			if (statements.some(({text}) => text.includes('channel_rights'))) questions += 1;
			return database.run(scope, statements);
		},
		script: (scope, sql) => database.script(scope, sql),
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
	rig = await startRig({}, counted);
	const client = await connect();
	const answers = await Promise.all(Array.from({length: 50}, (_, nth) => asked(client, `p${nth}`, {private: true})));
	expect(new Set(answers)).toEqual(new Set(['Unauthorized']));
	expect(questions).toBe(0);
	await rig.sql(`create policy anyone on realtime.messages for select to anon using (realtime.topic() = 'open')`);
	await expect.poll(() => asked(client, 'open', {private: true}), {timeout: 20_000, interval: 50}).toBe('ok');
	expect(questions).toBeGreaterThan(0);
	await rig.sql('drop policy anyone on realtime.messages');
});

test('a busy database delays joins, not heartbeats', async () => {
	let release = (): void => undefined;
	const free = new Promise<void>(resolve => (release = resolve));
	const busy: Database = {
		run: async (scope, statements) => {
			await free;
			return database.run(scope, statements);
		},
		script: (scope, sql) => database.script(scope, sql),
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
	rig = await startRig({}, busy);
	const client = await connect();
	const joined = client.join('notes', [{event: '*', schema: 'public', table: 'notes'}]);
	await client.heartbeat();
	expect(client.frames).toHaveLength(1);
	release();
	await joined;
});

test('forged notices are ignored', async () => {
	const client = await start();
	await client.join('notes', [{event: '*', schema: 'public', table: 'notes'}]);
	const forged = `'c ' || 'notes'::regclass::oid || E' I 1 1 0\\n{"id": 1, "body": "forged"}\\n'`;
	await rig.sql(`insert into notes (body) values ('real')`);
	await rig.sql(`
		select pg_notify('realtime', ${forged});
		select pg_notify('realtime', 'x ' || ${forged});
		select pg_notify('realtime', ' ' || ${forged});
		select pg_notify('realtime', E'b f x\\n"notes"\\n"said"\\n{}');`);
	await rig.sql(`insert into notes (body) values ('after')`);
	await until(() => client.changes.length > 1);
	expect(client.changes).toMatchObject([{record: {body: 'real'}}, {record: {body: 'after'}}]);
	rig.checkFaults();
});

test('invalid notices do no harm', async () => {
	const client = await start();
	await client.join('notes', [{event: '*', schema: 'public', table: 'notes'}]);
	for (const text of [
		'',
		'c',
		'c x I 1 1 0',
		'c 1 I 1 1 0\n{broken\n',
		'ddl',
		'b t x',
		'b t x\n"t"\n"e"\n{}',
		'b\n\n\n',
	]) {
		await rig.sql(`select realtime.notify($$${text}$$)`);
	}
	await rig.sql(`insert into notes (body) values ('after')`);
	await until(() => client.changes.length > 0);
	expect(client.changes).toMatchObject([{record: {body: 'after'}}]);
	// A broadcast is read by a query of its own, which may fail after the change was sent.
	await until(() => rig.faults.length > 0);
	expect(() => rig.checkFaults()).toThrow('realtime failed unseen');
});
