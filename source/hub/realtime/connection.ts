import type {Duplex} from 'node:stream';
import {WebSocket} from 'ws';
import type {Channel, Peer} from './channel.ts';
import {decode, encode, type Push, type Version, type Wire} from './frame.ts';
import {joinChannel} from './joining.ts';
import type {RealtimeContext} from './context.ts';
import {readToken} from './token.ts';

/** Pushes that may wait for the database; when there are more, reading from the socket pauses. */
const maxWaiting = 100;

/** Close codes (RFC 6455). */
const normal = 1000;
const unexpected = 1011;

/** Counts a socket among the connections of that holder, instead of the one who opened it. */
export type CountAs = (holder: string) => void;

/** A socket and its channels. */
export class Connection implements Peer {
	readonly version: Version;
	readonly #context: RealtimeContext;
	readonly #socket: WebSocket;
	/** What the socket reads from and writes to. */
	readonly #tcp: Duplex;
	/** The key with which it was opened. */
	readonly #token: string;
	readonly #countAs: CountAs;
	readonly #channels = new Map<string, Channel>();
	/** The last push of each topic; pushes of one topic are answered one after another. */
	readonly #lanes = new Map<string, Promise<void>>();
	#waiting = 0;
	#lastReceived = performance.now();
	#silence: NodeJS.Timeout | undefined;

	/** `stream`: what the socket reads from and writes to; any data on it shows that the client is alive. */
	constructor(
		context: RealtimeContext,
		socket: WebSocket,
		stream: Duplex,
		{version, token, countAs}: {readonly version: Version; readonly token: string; readonly countAs: CountAs},
	) {
		this.#context = context;
		this.#socket = socket;
		this.#tcp = stream;
		this.version = version;
		this.#token = token;
		this.#countAs = countAs;
		stream.on('data', () => {
			this.#lastReceived = performance.now();
		});
		socket.on('message', (data: Buffer, binary: boolean) => this.#receive(data, binary));
		socket.on('close', () => this.#closed());
		// The cleanup is done on `close`, which follows.
		socket.on('error', () => socket.terminate());
		this.#watchSilence();
	}

	get #open(): boolean {
		return this.#socket.readyState === WebSocket.OPEN;
	}

	write({data, binary}: Wire): void {
		if (!this.#open) return;
		this.#socket.send(data, {binary});
		this.#limitBuffered();
	}

	writeFrames(frames: Buffer): void {
		if (!this.#open) return;
		// `send` does not compress, so it writes at once: the frames stay in order.
		this.#tcp.write(frames);
		this.#limitBuffered();
	}

	#limitBuffered(): void {
		// A client that does not read is disconnected; it catches up when it reconnects.
		if (this.#socket.bufferedAmount > this.#context.limits.buffered) this.#socket.terminate();
	}

	drop(channel: Channel): void {
		if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
	}

	countAs(holder: string): void {
		if (holder !== 'anon') this.#countAs(holder);
	}

	/** Call when tokens may have been ended: ends the channels whose token is no longer valid, and closes the socket if there were any. */
	recheck(): void {
		const valid = [...this.#channels.values()].map(channel => channel.recheck());
		const isOpened = 'subscriber' in readToken(this.#context.verify, this.#token);
		if (!isOpened || valid.includes(false)) this.#socket.close(normal);
	}

	/** Ends each channel with `phx_error`, so that the client joins again when the server is back, and closes the socket. */
	async stop(): Promise<void> {
		for (const channel of this.#channels.values()) channel.end('phx_error');
		await new Promise<void>(resolve => {
			if (!this.#open) return resolve();
			const timeout = setTimeout(resolve, 500);
			this.#socket.ping(undefined, undefined, () => {
				clearTimeout(timeout);
				resolve();
			});
		});
		this.#socket.terminate();
	}

	#receive(data: Buffer, binary: boolean): void {
		try {
			this.#read(data, binary);
		} catch (error) {
			// A frame from one client must not stop the hub.
			this.#context.onError(error);
			this.#socket.terminate();
		}
	}

	#read(data: Buffer, binary: boolean): void {
		if (data.length > this.#context.limits.frame) {
			this.#socket.terminate();
			return;
		}
		const push = decode(this.version, data, binary);
		if (push === null) this.#socket.close(unexpected);
		else if (push.event !== 'broadcast' && data.length > this.#context.limits.control) this.#refuseSize(push);
		else if (push.topic === 'phoenix') this.#heartbeat(push);
		else this.#queue(push);
	}

	/** Answers a frame that is too large. Only broadcasts, which are not stored, may be large; joins, presence and tokens may not. */
	#refuseSize(push: Push): void {
		const {control, topic} = this.#context.limits;
		// The answer must not repeat strings that are too long.
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
			this.#context.onError(error);
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
			this.#channels.size < this.#context.limits.channels
				? await joinChannel(this.#context, this, this.#token, push)
				: {reason: 'ChannelRateLimitReached: Too many channels'};
		if (!this.#open) {
			if ('channel' in joined) joined.channel.end(null);
			return;
		}
		const closePrevious = (): void => before?.sendEnd('phx_close');
		if ('reason' in joined) {
			this.#answer(push, push.joinRef, 'error', {reason: joined.reason});
			closePrevious();
			return;
		}
		this.#channels.set(push.topic, joined.channel);
		joined.open(closePrevious);
	}

	#answer(push: Push, joinRef: unknown, status: 'ok' | 'error', response: {readonly reason?: string}): void {
		const payload = JSON.stringify({response, status});
		this.write(encode(this.version, {joinRef, ref: push.ref, topic: push.topic, event: 'phx_reply', payload}));
	}

	#watchSilence(): void {
		const left = this.#lastReceived + this.#context.limits.silence - performance.now();
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
