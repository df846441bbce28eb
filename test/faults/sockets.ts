import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {connect} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket} from 'ws';
import type {Fault, Outcome} from './faults.ts';
import {onEngine, type Engine} from './on-engine.ts';
import {query, Writers, type Address} from './writers.ts';

/** Sockets beside the slow one. */
const count = 200;
/** Bytes of a broadcast, and how many are sent to the one that does not read: more than may wait for it. */
const broadcast = {bytes: 2_900_000, count: 12};
/** Milliseconds after which a message that did not reach a socket is lost. */
const timeout = 60_000;

/** What a client of Realtime says every 25 seconds; who says nothing for a minute is cut. */
const heartbeat = JSON.stringify([null, '2', 'phoenix', 'heartbeat', {}]);
const heartbeatEvery = 25_000;

const pathOf = ({serviceRoleKey}: Address): string =>
	`/realtime/v1/websocket?apikey=${encodeURIComponent(serviceRoleKey)}&vsn=2.0.0`;

function joinOf(topic: string, {serviceRoleKey}: Address): string {
	const changes = [{event: 'INSERT', schema: 'public', table: 'messages', filter: 'tag=eq.WRITER'}];
	const config = {broadcast: {ack: false, self: false}, presence: {enabled: false}, postgres_changes: changes};
	return JSON.stringify(['1', '1', `realtime:${topic}`, 'phx_join', {config, access_token: serviceRoleKey}]);
}

/** A Realtime client that receives the messages of WRITER. */
interface Hearing {
	/** The ids of the rows it received. */
	readonly heard: readonly number[];
	readonly closed: () => boolean;
	end(): void;
}

/** Resolves when it is subscribed. */
async function hear(hub: Address, topic: string): Promise<Hearing> {
	const socket = new WebSocket(`${hub.url.replace('http', 'ws')}${pathOf(hub)}`);
	const heard: number[] = [];
	await once(socket, 'open');
	socket.send(joinOf(topic, hub));
	await new Promise<void>((resolve, reject) => {
		socket.once('close', () => reject(new Error(`socket ${topic} was closed`)));
		socket.on('message', (data: Buffer) => {
			const [, , , event, payload] = JSON.parse(data.toString()) as [
				unknown,
				unknown,
				unknown,
				string,
				{status?: string; message?: string; data?: {record: {id: number}}},
			];
			if (event === 'system') {
				if (payload.status === 'ok') resolve();
				else reject(new Error(`socket ${topic}: ${payload.message}`));
			}
			if (payload.data !== undefined) heard.push(payload.data.record.id);
		});
	});
	const beating = setInterval(() => socket.send(heartbeat), heartbeatEvery);
	return {
		heard,
		closed: () => socket.readyState !== WebSocket.OPEN,
		end() {
			clearInterval(beating);
			socket.terminate();
		},
	};
}

interface Slow {
	/** Reads what is left: whether that ends before all of it has come, because the hub cut the connection. */
	wasCut(): Promise<boolean>;
	end(): void;
}

/** A client that joins, and from then on reads a byte a second. */
async function readSlowly(hub: Address, topic: string): Promise<Slow> {
	const {hostname, port, host} = new URL(hub.url);
	const socket = connect(Number(port), hostname);
	// The hub cuts it, and may do that with a reset.
	socket.on('error', () => undefined);
	// By the time that somebody asks, that may be long ago.
	const closed = new Promise<true>(resolve => socket.once('close', () => resolve(true)));
	const key = randomBytes(16).toString('base64');
	socket.write(
		`GET ${pathOf(hub)} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
			`Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
	);
	socket.write(frameOf(joinOf(topic, hub)));
	let said = '';
	while (!said.includes('Subscribed to PostgreSQL')) {
		await once(socket, 'readable');
		said += String((socket.read() as Buffer | null) ?? '');
	}
	const drip = setInterval(() => socket.read(1) as unknown, 1000);
	const beating = setInterval(() => socket.write(frameOf(heartbeat)), heartbeatEvery);
	return {
		async wasCut() {
			clearInterval(drip);
			let left = broadcast.bytes * broadcast.count;
			const all = new Promise<boolean>(resolve => {
				socket.on('data', (bytes: Buffer) => {
					left -= bytes.length;
					if (left < 0) resolve(false);
				});
			});
			return Promise.race([all, closed]);
		},
		end() {
			clearInterval(drip);
			clearInterval(beating);
			socket.destroy();
		},
	};
}

/** A text frame of a client, masked with zeros. */
function frameOf(text: string): Buffer {
	const payload = Buffer.from(text);
	const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]);
	return Buffer.concat([head, payload]);
}

async function send({url, serviceRoleKey}: Address, topic: string): Promise<void> {
	const payload = {text: 'x'.repeat(broadcast.bytes)};
	const response = await fetch(`${url}/realtime/v1/api/broadcast`, {
		method: 'POST',
		headers: {apikey: serviceRoleKey, 'content-type': 'application/json'},
		body: JSON.stringify({messages: [{topic, event: 'large', payload}]}),
	});
	if (!response.ok) throw new Error(`The broadcast was answered with ${response.status}: ${await response.text()}`);
}

function besideASlowReader(engine: Engine, rows: number): Promise<Outcome> {
	return onEngine(engine, async start => {
		const hub = await start();
		const hearing = await Promise.all(Array.from({length: count}, (_, at) => hear(hub, `beside-${at}`)));
		const slow = await readSlowly(hub, 'slow');
		const writers = new Writers();
		const faults: string[] = [];
		try {
			writers.start(hub);
			for (let sent = 0; sent < broadcast.count; sent += 1) await send(hub, 'slow');
			while (writers.acknowledged < rows) await sleep(20);
			await writers.stop();
			const found = await writers.find(hub);
			const ids = (await query<{id: number}>(hub, "select id from messages where tag = 'WRITER'")).map(({id}) => id);
			const missing = ({heard}: Hearing): number => ids.filter(id => !new Set(heard).has(id)).length;
			const deadline = Date.now() + timeout;
			while (hearing.some(({heard}) => heard.length < ids.length) && Date.now() < deadline) await sleep(50);
			const lost = hearing.reduce((sum, each) => sum + missing(each), 0);
			const duplicated = hearing.reduce((sum, {heard}) => sum + heard.length - new Set(heard).size, 0);
			const ended = hearing.filter(each => each.closed()).length;
			if (lost > 0) faults.push(`${lost} of ${ids.length} x ${count} were not heard`);
			if (ended > 0) faults.push(`${ended} sockets that read were closed`);
			if (!(await slow.wasCut())) faults.push('the one that does not read was not cut, and what waits for it is kept');
			return {
				trials: count,
				recovered: [],
				faults,
				acknowledged: found.acknowledged,
				lost: found.lost + lost,
				duplicated: found.duplicated + duplicated,
			};
		} finally {
			await writers.stop();
			slow.end();
			for (const each of hearing) each.end();
		}
	});
}

const what = 'a reader of 1 byte/s beside 200 sockets';

/** What one socket does to the others. */
export const sockets: readonly Fault[] = [
	{what, trials: 50, run: rows => besideASlowReader('pglite', rows)},
	...(['pglite', 'postgres'] as const).map((engine): Fault => ({
		what,
		engine,
		long: true,
		trials: 400,
		seconds: 60,
		run: rows => besideASlowReader(engine, rows),
	})),
];
