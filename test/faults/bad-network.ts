import {connect, createServer, type AddressInfo, type Socket} from 'node:net';
import {setTimeout as pause} from 'node:timers/promises';

/** What becomes of one connection. Bytes are counted over both directions. */
type Fate =
	/** Ends in the middle of whatever byte it is, with what was sent before delivered. */
	| {readonly kind: 'cut'; readonly after: number}
	/** The same with a reset: the other end loses what it has not read yet. */
	| {readonly kind: 'reset'; readonly after: number}
	/** Goes quiet for a while, and then on. */
	| {readonly kind: 'stall'; readonly after: number; readonly milliseconds: number}
	/** Half of a piece arrives, then nothing, without an error. */
	| {readonly kind: 'halve'; readonly after: number}
	/** Each piece comes late. */
	| {readonly kind: 'delay'; readonly milliseconds: number}
	/** A byte a second. */
	| {readonly kind: 'trickle'}
	/** Is accepted, and never answered. */
	| {readonly kind: 'half-open'};

type FateKind = Fate['kind'];

export interface BadNetwork {
	/** Of the server, through this network. */
	readonly url: string;
	/** How many connections had which fate. */
	readonly fates: ReadonlyMap<FateKind, number>;
	/** Ends all connections, and from now on each new one has a fate. Before, they are left alone. */
	harm(): void;
	/** New connections work from now on; existing ones keep their faults. */
	calm(): void;
	/** Nobody is let through, and all connections end: a network that is gone. Until `calm`. */
	cutOff(): void;
	stop(): void;
}

interface NetworkOptions {
	/** The same one draws the same fates for the first, second, … connection. */
	readonly seed: number;
	/** Which fates there are; a kind that is named twice comes twice as often. */
	readonly kinds?: readonly FateKind[];
	/** Where it listens; by default 127.0.0.1. */
	readonly host?: string;
}

/** All faults of a network; those that clients notice immediately are more frequent than those that take a timeout. */
const defaultKinds: readonly FateKind[] = [
	...(['cut', 'cut', 'cut', 'cut', 'reset', 'reset', 'reset', 'reset'] as const),
	...(['stall', 'stall', 'delay', 'delay', 'delay', 'halve', 'trickle', 'half-open'] as const),
];

/**
 * A network in front of the server at `port` on which every connection comes to some harm. The address in the Host header is
 * changed to the server's own, since a hub answers nobody who calls it by another.
 */
export async function startBadNetwork(
	port: number,
	{seed, kinds = defaultKinds, host = '127.0.0.1'}: NetworkOptions,
): Promise<BadNetwork> {
	const random = randomFrom(seed);
	const fates = new Map<FateKind, number>();
	const ends = new Set<() => void>();
	let own = 0;
	let calm = true;
	let gone = false;

	const draw = (): Fate | null => {
		const kind = kinds[Math.floor(random() * kinds.length)];
		// Mostly within the first requests, now and then in the middle of a long life.
		const after = Math.floor(random() ** 3 * 60_000);
		const milliseconds = Math.floor(random() * 3000);
		if (kind === undefined || calm) return null;
		fates.set(kind, (fates.get(kind) ?? 0) + 1);
		if (kind === 'stall') return {kind, after, milliseconds};
		if (kind === 'delay') return {kind, milliseconds: milliseconds / 30};
		return kind === 'trickle' || kind === 'half-open' ? {kind} : {kind, after};
	};

	const network = createServer({noDelay: true}, client => {
		if (gone) {
			client.resetAndDestroy();
			return;
		}
		const server = connect({port, host: '127.0.0.1', noDelay: true});
		const ended = new AbortController();
		const end = (): void => {
			ended.abort();
			client.destroy();
			server.destroy();
			ends.delete(end);
		};
		ends.add(end);
		const pass = passage(draw(), ended.signal);
		client.on('data', (chunk: Buffer) => pass(renamed(chunk, own, port), client, server));
		server.on('data', (chunk: Buffer) => pass(chunk, server, client));
		for (const [one, other] of [[client, server] as const, [server, client] as const]) {
			// What was sent before the end is still delivered; the other end of a dead connection is not notified.
			for (const event of ['end', 'error']) one.on(event, () => pass(null, one, other));
			one.on('close', () => {
				if (one === client || other.destroyed) end();
			});
		}
	});
	await new Promise<void>(resolve => {
		network.listen(0, host, resolve);
	});
	own = (network.address() as AddressInfo).port;
	const endAll = (): void => {
		for (const end of ends) end();
	};
	return {
		url: `http://${host}:${own}`,
		fates,
		harm() {
			calm = false;
			gone = false;
			endAll();
		},
		calm() {
			calm = true;
			gone = false;
		},
		cutOff() {
			gone = true;
			endAll();
		},
		stop() {
			network.close();
			endAll();
		},
	};
}

/** How the pieces of one connection are passed on; null stands for the end of what `from` sends. */
function passage(fate: Fate | null, ended: AbortSignal): (chunk: Buffer | null, from: Socket, to: Socket) => void {
	let passed = 0;
	let deaf = fate?.kind === 'half-open';
	let stalled = false;
	/** Pieces that come late come in their order. */
	let queue: Promise<void> = Promise.resolve();
	const late = (milliseconds: number, work: () => unknown): void => {
		const due = Date.now() + milliseconds;
		queue = queue
			.then(() => pause(Math.max(0, due - Date.now()), undefined, {signal: ended}))
			.then(work)
			// It has ended meanwhile.
			.catch(() => undefined) as Promise<void>;
	};
	return (chunk, from, to) => {
		if (deaf) return;
		if (chunk === null) {
			late(0, () => to.end());
			return;
		}
		const before = passed;
		passed += chunk.length;
		if (fate === null) forward(chunk, from, to);
		else if (fate.kind === 'trickle') {
			for (const byte of chunk)
				late(0, () => pause(1000, undefined, {signal: ended}).then(() => to.write(Buffer.of(byte))));
		} else if (fate.kind === 'delay') late(fate.milliseconds, () => to.write(chunk));
		else if (fate.kind === 'stall') {
			const wait = !stalled && passed > fate.after ? fate.milliseconds : 0;
			stalled ||= wait > 0;
			late(wait, () => to.write(chunk));
		} else if (fate.kind === 'half-open' || passed <= fate.after) forward(chunk, from, to);
		else if (fate.kind === 'halve') {
			deaf = true;
			to.write(chunk.subarray(0, Math.ceil(chunk.length / 2)));
		} else {
			deaf = true;
			to.write(chunk.subarray(0, fate.after - before), () => {
				if (fate.kind === 'reset') to.resetAndDestroy();
				else to.destroy();
				from.destroy();
			});
		}
	};
}

/** Writes it on, no faster than the other end reads. */
function forward(chunk: Buffer, from: Socket, to: Socket): void {
	if (to.write(chunk)) return;
	from.pause();
	to.once('drain', () => from.resume());
}

function renamed(chunk: Buffer, own: number, port: number): Buffer {
	const at = chunk.indexOf(`:${own}\r\n`);
	return at === -1 ? chunk : Buffer.from(chunk.toString('latin1').replace(`:${own}\r\n`, `:${port}\r\n`), 'latin1');
}

/** mulberry32: from 0 up to 1. */
function randomFrom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d_2b_79_f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
