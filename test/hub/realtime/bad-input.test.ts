import {connect, type Socket} from 'node:net';
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {startTestHub, type TestHub} from '../../helpers/hub.ts';
import {until} from './rig.ts';

let hub: TestHub;
let watcher: WebSocket;
let heartbeats = 0;

beforeAll(async () => {
	hub = await startTestHub();
	watcher = await open();
	watcher.on('message', () => (heartbeats += 1));
});

afterAll(async () => {
	watcher.terminate();
	await hub.stop();
});

const address = (vsn = '2.0.0', key = hub.anonKey): string =>
	`${hub.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=${vsn}&apikey=${key}`;

async function open(vsn?: string): Promise<WebSocket> {
	const socket = new WebSocket(address(vsn), {maxPayload: 0});
	socket.on('error', () => undefined);
	await new Promise(resolve => socket.once('open', resolve));
	return socket;
}

/** A socket that was open all the time still gets responses. */
async function unharmed(): Promise<void> {
	const before = heartbeats;
	watcher.send(JSON.stringify([null, 'w', 'phoenix', 'heartbeat', {}]));
	await until(
		() => heartbeats > before,
		() => `the watcher is ${watcher.readyState === WebSocket.OPEN ? 'not answered' : 'closed'}`,
	);
}

/** How the hub reacts to this frame: with a close code, or with a response. */
async function after(frame: string | Buffer, vsn?: string): Promise<unknown> {
	const socket = await open(vsn);
	const said: unknown[] = [];
	let code: number | null = null;
	socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString('utf8'))));
	socket.on('close', closed => (code = closed));
	socket.send(frame);
	socket.ping();
	let answered = false;
	socket.on('pong', () => (answered = true));
	await until(() => code !== null || said.length > 0 || answered);
	await delay(50);
	socket.terminate();
	return code ?? said;
}

/** A socket on which the test writes all bytes after the handshake itself. */
async function raw(): Promise<{socket: Socket; ended: Promise<void>}> {
	const {port, pathname, search} = new URL(address().replace('ws', 'http'));
	const socket = connect(Number(port), '127.0.0.1');
	socket.on('error', () => undefined);
	const ended = new Promise<void>(resolve => socket.once('close', () => resolve()));
	const upgraded = new Promise(resolve => socket.once('data', resolve));
	socket.write(
		`GET ${pathname}${search} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
	);
	expect(String(await upgraded)).toMatch(/^HTTP\/1\.1 101 /);
	return {socket, ended};
}

const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;

describe('frames', () => {
	test.each([
		['an object to who speaks arrays', JSON.stringify({topic: 't', event: 'e', payload: {}, ref: '1'}), '2.0.0'],
		['an array to who speaks objects', JSON.stringify([null, '1', 't', 'e', {}]), '1.0.0'],
		['no JSON', '{', '2.0.0'],
		['too short an array', '[null,null,"t"]', '2.0.0'],
		['a topic that is no text', '[null,null,7,"phx_join",{}]', '2.0.0'],
		['no topic', '{"event":"phx_join","payload":{},"ref":"1"}', '1.0.0'],
		['bytes to who speaks objects', Buffer.from([3, 0, 0, 0, 0, 0, 1]), '1.0.0'],
		['half a binary frame', Buffer.from([3, 9, 9]), '2.0.0'],
	])('%s closes that socket with 1011', async (_, frame, vsn) => {
		expect(await after(frame, vsn)).toBe(1011);
		await unharmed();
	});

	test.each([
		['the refs', `[${deep},${deep},"phoenix","heartbeat",{}]`],
		['the refs of a join', `[${deep},${deep},"realtime:x","phx_join",{}]`],
		['the refs to a topic not joined', `[null,${deep},"realtime:none","broadcast",{}]`],
		['the payload', `[null,"1","phoenix","heartbeat",${deep}]`],
		['a binding', `["1","1","realtime:x","phx_join",{"config":{"postgres_changes":[{"event":"*","schema":${deep}}]}}]`],
		['a presence key', `["1","1","realtime:x","phx_join",{"config":{"presence":{"key":${deep}}}}]`],
		[
			'a filter',
			`["1","1","realtime:x","phx_join",{"config":{"postgres_changes":[{"event":"*","schema":"public","table":"messages","filter":"meta=eq.${deep}"}]}}]`,
		],
		['a token', `["1","1","realtime:x","phx_join",{"config":{},"access_token":${deep}}]`],
	])('half a million brackets in %s harm nobody else', async (_, frame) => {
		expect(await after(frame)).toSatisfy((end: unknown) => end === 1011 || Array.isArray(end));
		await unharmed();
	});

	test('a broadcast that is nested as deeply is passed on, and one that is too large is refused', async () => {
		const socket = await open();
		const said: string[] = [];
		socket.on('message', (data: Buffer) => said.push(data.toString('utf8')));
		socket.send(
			JSON.stringify(['1', '1', 'realtime:deep', 'phx_join', {config: {broadcast: {ack: true, self: true}}}]),
		);
		await until(() => said.length >= 2);
		socket.send(`["1","2","realtime:deep","broadcast",{"event":"e","payload":{"d":${deep}},"type":"broadcast"}]`);
		await until(() => said.length >= 4);
		expect(said.some(text => text.includes(deep))).toBe(true);
		const large = 'x'.repeat(3_100_000);
		socket.send(JSON.stringify(['1', '3', 'realtime:deep', 'broadcast', {event: 'e', payload: {large}}]));
		await until(() => said.length >= 5);
		expect(JSON.parse(said.at(-1) ?? '')).toMatchObject([
			'1',
			'3',
			'realtime:deep',
			'phx_reply',
			{response: 'payload_size_exceeded', status: 'error'},
		]);
		socket.terminate();
		await unharmed();
	});

	test('joins without a topic, or with an unknown one, get an error', async () => {
		expect(await after('["1","1","realtime:","phx_join",{"config":{}}]')).toMatchObject([
			[
				'1',
				'1',
				'realtime:',
				'phx_reply',
				{status: 'error', response: {reason: 'TopicNameRequired: You must provide a topic name'}},
			],
		]);
		for (const topic of ['', 'other', 'realtime']) {
			expect(await after(JSON.stringify(['1', '1', topic, 'phx_join', {config: {}}]))).toMatchObject([
				[null, '1', topic, 'phx_reply', {status: 'error', response: {reason: 'unmatched topic'}}],
			]);
		}
		await unharmed();
	});
});

describe('connections', () => {
	test('half a frame, followed by nothing or by the end, is not a message', async () => {
		const whole = Buffer.from(JSON.stringify([null, '1', 'phoenix', 'heartbeat', {}]));
		const frame = Buffer.concat([Buffer.from([0x81, 0x80 | whole.length, 0, 0, 0, 0]), whole]);
		for (let bytes = 1; bytes < frame.length; bytes += 7) {
			const {socket, ended} = await raw();
			socket.write(frame.subarray(0, bytes));
			await delay(10);
			socket.end();
			await ended;
		}
		// The same frame in two pieces is one.
		const {socket} = await raw();
		socket.write(frame.subarray(0, 5));
		await delay(10);
		const answered = new Promise(resolve => socket.once('data', resolve));
		socket.write(frame.subarray(5));
		expect(String(await answered)).toContain('"phx_reply"');
		socket.destroy();
		await unharmed();
	});

	test.each([
		['claims to be a terabyte long', [0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
		['is not masked', [0x81, 0x02, 0x5b, 0x5d]],
		['has an opcode that there is not', [0x8f, 0x80, 0, 0, 0, 0]],
		['sets reserved bits', [0xf1, 0x80, 0, 0, 0, 0]],
		['continues nothing', [0x80, 0x80, 0, 0, 0, 0]],
	])('a frame that %s ends its connection', async (_, bytes) => {
		const {socket, ended} = await raw();
		socket.resume();
		socket.write(Buffer.from(bytes));
		await ended;
		expect(socket.destroyed).toBe(true);
		await unharmed();
	});

	test.each([
		['an unknown serializer', () => address('3.0.0')],
		['no key', () => address('2.0.0', '')],
		['a key of another hub', () => address('2.0.0', `${hub.anonKey.slice(0, -4)}AAAA`)],
		['what is no key', () => address('2.0.0', 'nonsense')],
	])('%s is refused with 403 and no body', async (_, url) => {
		const socket = new WebSocket(url());
		socket.on('error', () => undefined);
		const [status, body] = await new Promise<[number | undefined, string]>(resolve =>
			socket.once('unexpected-response', (_request, response) => {
				let text = '';
				response.on('data', (chunk: Buffer) => (text += chunk.toString()));
				response.on('end', () => resolve([response.statusCode, text]));
			}),
		);
		expect([status, body]).toEqual([403, '']);
	});
});

describe('a client that never reads', () => {
	test('is disconnected at a limit, and gets what it missed by reading from its cursor', async () => {
		const service = {apikey: hub.serviceRoleKey, 'content-type': 'application/json'};
		const socket = new WebSocket(address('2.0.0', hub.serviceRoleKey), {maxPayload: 0});
		socket.on('error', () => undefined);
		await new Promise(resolve => socket.once('open', resolve));
		const got: number[] = [];
		let subscribed = false;
		let closed: number | null = null;
		socket.on('close', code => (closed = code));
		socket.on('message', (data: Buffer) => {
			const [, , , event, payload] = JSON.parse(data.toString('utf8')) as [
				unknown,
				unknown,
				string,
				string,
				{data?: {record?: {id: number}}},
			];
			if (event === 'system') subscribed = true;
			const id = payload.data?.record?.id;
			if (id !== undefined) got.push(id);
		});
		const changes = [{event: 'INSERT', schema: 'public', table: 'messages'}];
		socket.send(JSON.stringify(['1', '1', 'realtime:m', 'phx_join', {config: {postgres_changes: changes}}]));
		await until(() => subscribed);
		socket.pause();
		const filler = 'z'.repeat(240_000);
		const sent = 110;
		// 26 MB: more than the 16 that may wait and what the kernel takes.
		for (let n = 0; n < sent; n += 10) {
			const rows = Array.from({length: 10}, (_, each) => ({content: `[SLOW] ${n + each} ${filler}`}));
			const {status} = await fetch(`${hub.url}/rest/v1/messages`, {
				method: 'POST',
				headers: service,
				body: JSON.stringify(rows),
			});
			expect(status).toBe(201);
		}
		await unharmed();
		socket.resume();
		await until(() => closed !== null);
		expect([closed, got.length < sent]).toEqual([1006, true]);
		const missed: number[] = [];
		for (let cursor = got.at(-1) ?? 0; ;) {
			const response = await fetch(
				`${hub.url}/rest/v1/messages?select=id&tag=eq.SLOW&id=gt.${cursor}&order=id&limit=50`,
				{headers: service},
			);
			const rows = (await response.json()) as {id: number}[];
			missed.push(...rows.map(({id}) => id));
			const last = rows.at(-1);
			if (last === undefined) break;
			cursor = last.id;
		}
		expect(got.length + missed.length).toBe(sent);
		expect(new Set([...got, ...missed]).size).toBe(sent);
	});
});
