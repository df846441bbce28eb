import type {Duplex} from 'node:stream';
import {WebSocket} from 'ws';
import type {Channel, Peer} from './channel.ts';
import {decode, encode, type Push, type Version, type Wire} from './frame.ts';
import {joinChannel} from './joining.ts';
import type {Server} from './server.ts';
import {readToken} from './token.ts';

/** Pushes that may wait for an answer of the database before the socket is read on. */
const maxWaiting = 100;

/** Close codes (RFC 6455). */
const normal = 1000;
const unexpected = 1011;

/** Counts a socket among the connections of that holder of a token, instead of whoever opened it. */
export type CountAs = (holder: string) => void;

/** One socket: reads its frames, keeps its channels. */
export class Connection implements Peer {
	readonly version: Version;
	readonly #server: Server;
	readonly #socket: WebSocket;
	/** The key that it was opened with. */
	readonly #token: string;
	readonly #countAs: CountAs;
	readonly #channels = new Map<string, Channel>();
	/** The pushes of one topic are answered one after the other. */
	readonly #lanes = new Map<string, Promise<void>>();
	#waiting = 0;
	#heard = performance.now();
	#silence: NodeJS.Timeout | undefined;

	/** `stream`: what the socket reads; every byte on it is a sign of life. */
	constructor(
		server: Server,
		socket: WebSocket,
		stream: Duplex,
		{version, token, countAs}: {readonly version: Version; readonly token: string; readonly countAs: CountAs},
	) {
		this.#server = server;
		this.#socket = socket;
		this.version = version;
		this.#token = token;
		this.#countAs = countAs;
		stream.on('data', () => {
			this.#heard = performance.now();
		});
		socket.on('message', (data: Buffer, binary: boolean) => this.#receive(data, binary));
		socket.on('close', () => this.#closed());
		// The close that follows says all there is to do.
		socket.on('error', () => socket.terminate());
		this.#watchSilence();
	}

	get #open(): boolean {
		return this.#socket.readyState === WebSocket.OPEN;
	}

	write({data, binary}: Wire): void {
		if (!this.#open) return;
		this.#socket.send(data, {binary});
		// A client that does not read is cut: it catches up when it is back.
		if (this.#socket.bufferedAmount > this.#server.limits.buffered) this.#socket.terminate();
	}

	drop(channel: Channel): void {
		if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
	}

	held(holder: string): void {
		if (holder !== 'anon') this.#countAs(holder);
	}

	/** Tokens may have ended: no channel goes on with one of them, and the socket is closed. */
	recheck(): void {
		const held = [...this.#channels.values()].map(channel => channel.recheck());
		const isOpened = 'subscriber' in readToken(this.#server.verify, this.#token);
		if (!isOpened || held.includes(false)) this.#socket.close(normal);
	}

	/** The server stops: the client is told so on each channel, and joins again when there is a server again. */
	async stop(): Promise<void> {
		for (const channel of this.#channels.values()) channel.end('phx_error');
		await new Promise<void>(resolve => {
			if (!this.#open) return resolve();
			const give = setTimeout(resolve, 500);
			this.#socket.ping(undefined, undefined, () => {
				clearTimeout(give);
				resolve();
			});
		});
		this.#socket.terminate();
	}

	#receive(data: Buffer, binary: boolean): void {
		try {
			this.#read(data, binary);
		} catch (error) {
			// One client's frame must not end the others' hub.
			this.#server.fault(error);
			this.#socket.terminate();
		}
	}

	#read(data: Buffer, binary: boolean): void {
		if (data.length > this.#server.limits.frame) {
			this.#socket.terminate();
			return;
		}
		const push = decode(this.version, data, binary);
		if (push === null) this.#socket.close(unexpected);
		else if (push.event !== 'broadcast' && data.length > this.#server.limits.control) this.#refuseSize(push);
		else if (push.topic === 'phoenix') this.#heartbeat(push);
		else this.#queue(push);
	}

	/** What a channel keeps of its join, its presence or its token is bounded; only what is passed on may be large. */
	#refuseSize(push: Push): void {
		const {control, topic} = this.#server.limits;
		// An answer that repeats what is too large would be no bound.
		const isNamed = Buffer.byteLength(push.topic) <= topic + 'realtime:'.length;
		if (!isNamed || push.event !== 'phx_join') {
			this.#socket.close(unexpected);
			return;
		}
		const short = (ref: unknown): unknown => (typeof ref === 'string' && ref.length <= 64 ? ref : null);
		const reason = `PayloadTooLarge: A join has at most ${control} bytes`;
		this.#answer({...push, ref: short(push.ref)}, short(push.joinRef), 'error', {reason});
	}

	#heartbeat(push: Push): void {
		if (push.event === 'heartbeat') this.#answer(push, null, 'ok', {});
		else this.#answer(push, null, 'error', {reason: 'unmatched topic'});
	}

	#queue(push: Push): void {
		const {topic} = push;
		const next = this.#serve(push, this.#lanes.get(topic));
		this.#lanes.set(topic, next);
		void next.finally(() => {
			if (this.#lanes.get(topic) === next) this.#lanes.delete(topic);
		});
	}

	async #serve(push: Push, before: Promise<void> | undefined): Promise<void> {
		if (++this.#waiting === maxWaiting) this.#socket.pause();
		try {
			if (before !== undefined) await before;
			await this.#handle(push);
		} catch (error) {
			this.#server.fault(error);
			if (push.event === 'phx_join') this.#answer(push, push.joinRef, 'error', {reason: 'join crashed'});
		}
		if (this.#waiting-- === maxWaiting) this.#socket.resume();
	}

	async #handle(push: Push): Promise<void> {
		const channel = this.#channels.get(push.topic);
		if (push.event === 'phx_join' && push.topic.startsWith('realtime:')) return this.#join(push, channel);
		if (channel !== undefined) return channel.handle(push);
		if (push.event === 'phx_leave') return this.#answer(push, push.joinRef, 'ok', {});
		return this.#answer(push, null, 'error', {reason: 'unmatched topic'});
	}

	async #join(push: Push, before: Channel | undefined): Promise<void> {
		before?.end(null);
		const joined =
			this.#channels.size < this.#server.limits.channels
				? await joinChannel(this.#server, this, this.#token, push)
				: {reason: 'ChannelRateLimitReached: Too many channels'};
		if (!this.#open) {
			if ('channel' in joined) joined.channel.end(null);
			return;
		}
		const sayGoodbye = (): void => before?.bid('phx_close');
		if ('reason' in joined) {
			this.#answer(push, push.joinRef, 'error', {reason: joined.reason});
			sayGoodbye();
			return;
		}
		this.#channels.set(push.topic, joined.channel);
		joined.open(sayGoodbye);
	}

	#answer(push: Push, joinRef: unknown, status: 'ok' | 'error', response: {readonly reason?: string}): void {
		const payload = JSON.stringify({response, status});
		this.write(encode(this.version, {joinRef, ref: push.ref, topic: push.topic, event: 'phx_reply', payload}));
	}

	#watchSilence(): void {
		const left = this.#heard + this.#server.limits.silence - performance.now();
		if (left <= 0) {
			this.#socket.close(normal);
			return;
		}
		this.#silence = setTimeout(() => this.#watchSilence(), left);
		this.#silence.unref();
	}

	#closed(): void {
		clearTimeout(this.#silence);
		for (const channel of this.#channels.values()) channel.end(null);
	}
}
