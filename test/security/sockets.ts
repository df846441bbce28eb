import {readFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket} from 'ws';
import type {Attack, Tally} from './attack.ts';
import type {Target} from './target.ts';
import {Witness} from './witness.ts';

/** So many that a limit on all connections would shut everyone out. */
const crowd = 1100;

interface Flood {
	readonly what: string;
	/** What one connection of it says, over and over with pauses in between. */
	readonly say: (port: number, key: string) => readonly string[];
}

const floods: readonly Flood[] = [
	{what: 'silent sockets', say: () => []},
	{what: 'sockets that begin a request', say: () => ['GET /rest/v1/messages HTTP/1.1\r\n']},
	{what: 'headers that drip', say: port => [`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`, 'a: b\r\n', 'c: d\r\n']},
	{
		what: 'bodies that drip, without a key',
		say: port => [
			`POST /rest/v1/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: 10000000\r\n\r\n`,
			'[',
			'[',
		],
	},
	{
		what: 'bodies that drip, with the public key',
		say: (port, key) => [
			`POST /rest/v1/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\napikey: ${key}\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n`,
			'[',
			'[',
		],
	},
	{
		what: 'WebSocket handshakes without a key',
		say: port => [
			`GET /realtime/v1/websocket HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
		],
	},
];

export const sockets: Attack = {
	name: 'sockets',
	what: 'silent sockets, slow requests, WebSockets and topics, while a second client is served',
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			const witness = new Witness(target);
			for (const flood of floods) {
				const held = open(target, flood, long ? crowd : crowd);
				await sleep(300);
				await witness.isServed(tally, `beside ${crowd} ${flood.what}`);
				await held.close();
			}
			await websockets(target, tally, witness);
			await topics(target, tally, witness);
		});
	},
};

function open({hub}: Target, {say}: Flood, count: number): {close(): Promise<void>} {
	const port = Number(new URL(hub.url).port);
	const [first = '', ...more] = say(port, hub.anonKey);
	const all = new Set<Socket>();
	for (let index = 0; index < count; index += 1) {
		const socket = connect(port, '127.0.0.1', () => void (first !== '' && socket.write(first)));
		socket.on('error', () => undefined);
		socket.on('close', () => all.delete(socket));
		all.add(socket);
	}
	const drip = setInterval(() => {
		const next = more.shift();
		if (next !== undefined) for (const socket of all) if (socket.writable) socket.write(next);
	}, 400);
	return {
		async close() {
			clearInterval(drip);
			for (const socket of all) socket.destroy();
			while (all.size > 0) await sleep(10);
		},
	};
}

/** Each holds a socket of its own, by the key that every page of the project may know. */
async function websockets(target: Target, tally: Tally, witness: Witness): Promise<void> {
	const held = Array.from({length: crowd}, () => socketOf(target));
	await sleep(1500);
	await witness.isServed(tally, `beside ${crowd} WebSockets with the public key`);
	await witness.hears(tally, `beside ${crowd} WebSockets with the public key`);
	for (const socket of held) socket.terminate();
}

/** One socket joins all the topics it may: the memory for them ends with it. */
async function topics(target: Target, tally: Tally, witness: Witness): Promise<void> {
	const round = async (): Promise<void> => {
		const socket = socketOf(target);
		await new Promise(resolve => {
			socket.once('open', resolve);
			socket.once('close', resolve);
		});
		for (let index = 0; index < 900 && socket.readyState === WebSocket.OPEN; index += 1) {
			const topic = `realtime:${'t'.repeat(200)}${index}`;
			const config = {broadcast: {self: true}, presence: {enabled: true, key: 'k'.repeat(200)}, postgres_changes: []};
			socket.send(JSON.stringify([String(index), String(index), topic, 'phx_join', {config}]));
		}
		await sleep(1500);
		await witness.isServed(tally, 'beside 900 topics of one socket');
		socket.terminate();
		await sleep(500);
	};
	await round();
	const before = memoryOf(target.hub.pid);
	for (let index = 0; index < 3; index += 1) await round();
	const grown = memoryOf(target.hub.pid) - before;
	// 340 MB stayed of 900 topics, once; a collector that waits keeps some.
	tally.expectHarmless(grown < 120, `topics of closed sockets hold ${grown} MB`);
}

function socketOf({hub}: Target): WebSocket {
	const socket = new WebSocket(
		`${hub.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${hub.anonKey}`,
	);
	socket.on('error', () => undefined);
	return socket;
}

/** Resident megabytes; 0 where the system does not say. */
function memoryOf(pid: number): number {
	try {
		return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
	} catch {
		return 0;
	}
}
