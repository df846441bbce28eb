// Subscribers that only count what they get, in a process of their own.
import {WebSocket} from 'ws';
import type {FromSubscribers, ToSubscribers} from './messages.ts';

const tell = (message: FromSubscribers): void => void process.send?.(message);
const change = Buffer.from('"postgres_changes",{"data"');
const subscribed = Buffer.from('"Subscribed to PostgreSQL"');
let sockets: WebSocket[] = [];
let counts: number[] = [];
let expected = Infinity;
let complete = 0;
let first: bigint | null = null;
let frames: string[] = [];

process.on('message', (message: ToSubscribers) => void serve(message));
process.on('disconnect', () => process.exit(0));

async function serve(message: ToSubscribers): Promise<void> {
	if ('open' in message) {
		await Promise.all(message.open.map(({url, first: hello}, nth) => open(url, hello, nth)));
		tell({opened: true});
	} else if ('expect' in message) {
		counts = sockets.map(() => 0);
		[expected, complete, first, frames] = [message.expect, 0, null, []];
		tell({ready: true});
	} else {
		await Promise.all(sockets.map(end));
		sockets = [];
		tell({closed: true});
	}
}

/** Resolves when changes will come. */
function open(url: string, hello: string | null, nth: number): Promise<void> {
	const socket = new WebSocket(url, {perMessageDeflate: false});
	sockets[nth] = socket;
	return new Promise((resolve, reject) => {
		socket.on('error', reject);
		socket.on('open', () => (hello === null ? resolve() : socket.send(hello)));
		socket.on('message', (data: Buffer) => {
			if (data.includes(change)) receive(data, nth);
			else if (data.includes(subscribed)) resolve();
		});
	});
}

function receive(data: Buffer, nth: number): void {
	first ??= process.hrtime.bigint();
	if (nth === 0) frames.push(data.toString('utf8'));
	const count = (counts[nth] ?? 0) + 1;
	counts[nth] = count;
	if (count !== expected || ++complete !== sockets.length) return;
	tell({first: String(first), last: String(process.hrtime.bigint()), frames});
}

function end(socket: WebSocket): Promise<void> {
	return new Promise(resolve => {
		socket.once('close', () => resolve());
		socket.close();
	});
}
