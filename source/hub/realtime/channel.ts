import {randomUUID} from 'node:crypto';
import type {Binding} from './binding.ts';
import type {Subscriber} from './changes.ts';
import type {SubscriberRole} from './change-rows.ts';
import {encode, type Push, type Version, type Wire} from './frame.ts';
import {isObject, isToken, type Join} from './join.ts';
import {members, objectText, type JsonText} from './json-text.ts';
import {Authorization} from './authorization.ts';
import {allRights, privateRights, type Rights} from './rights.ts';
import type {Server} from './server.ts';
import type {Lease} from './shares.ts';
import {readToken, type TokenClaims} from './token.ts';
import type {Member} from './topic.ts';

/** The socket that a channel was joined on. */
export interface Peer {
	readonly version: Version;
	write(wire: Wire): void;
	/** The channel is over. */
	drop(channel: Channel): void;
	/** The socket was used with a token of that holder. */
	held(holder: string): void;
}

/** What a join was found to be. */
export interface Joined {
	readonly join: Join;
	readonly holder: TokenClaims;
	readonly rights: Rights;
	readonly bindings: readonly Binding[];
	/** Of the holder's share. */
	readonly lease: Lease;
}

/** Why a channel ends, as the client is told: it left or was told why, or something broke. */
type Farewell = 'phx_close' | 'phx_error';

/** One join of one topic by one socket. */
export class Channel implements Member, Subscriber {
	/** With `realtime:`. */
	readonly topic: string;
	bindings: readonly Binding[];
	readonly #server: Server;
	readonly #peer: Peer;
	/** The join's own refs. */
	readonly #joinRef: unknown;
	readonly #ref: unknown;
	readonly #join: Join;
	readonly #presenceKey: string;
	readonly #pass: Authorization;
	readonly #lease: Lease;
	#presenceTimes: number[] = [];
	#open = true;

	constructor(server: Server, peer: Peer, push: Push, {join, holder, rights, bindings, lease}: Joined) {
		this.#server = server;
		this.#peer = peer;
		this.topic = push.topic;
		this.#joinRef = push.joinRef;
		this.#ref = push.ref;
		this.#join = join;
		this.#presenceKey = join.presence.key === '' ? randomUUID() : join.presence.key;
		this.#pass = new Authorization(holder, rights, message => this.#refuse(message));
		this.#lease = lease;
		this.bindings = bindings;
	}

	get version(): Version {
		return this.#peer.version;
	}

	get subscriber(): SubscriberRole {
		return this.#pass.subscriber;
	}

	get seesPresence(): boolean {
		return this.#pass.rights.read.presence;
	}

	get #name(): string {
		return this.topic.slice('realtime:'.length);
	}

	write(wire: Wire): void {
		this.#peer.write(wire);
	}

	deliver(data: JsonText, type: string, ids: readonly number[]): void {
		const [event, payload] = this.#join.legacy
			? [type, data]
			: ['postgres_changes', `{"data":${data},"ids":${JSON.stringify(ids)}}`];
		this.write(encode(this.version, {joinRef: null, ref: null, topic: this.topic, event, payload}));
	}

	lost(): void {
		this.end('phx_error');
	}

	/** Answers a push of the client, the join itself too. */
	reply(ref: unknown, status: 'ok' | 'error', response: JsonText = '{}'): void {
		this.send('phx_reply', `{"response":${response},"status":"${status}"}`, ref);
	}

	/** A message of this join. */
	send(event: string, payload: JsonText, ref: unknown = null): void {
		this.write(encode(this.version, {joinRef: this.#joinRef, ref, topic: this.topic, event, payload}));
	}

	system(extension: 'postgres_changes' | 'system', status: 'ok' | 'error', message: string): void {
		this.send('system', JSON.stringify({channel: this.#name, extension, message, status}));
	}

	/** What follows the reply to the join: from here on everything is delivered. `refused`: why there will be no changes. */
	open(refused: string | null): void {
		this.#server.topics.join(this.#name, this.#join.private, this);
		this.#pass.watch();
		if (this.bindings.length > 0) this.#server.changes.subscribe(this);
		if (this.#join.bindings.length > 0) this.#tellSubscribed(refused);
		if (this.#join.presence.enabled && this.seesPresence) {
			this.send('presence_state', this.#server.topics.presenceState(this.#name, this.#join.private));
		}
	}

	isJoin(joinRef: unknown): boolean {
		return joinRef === null || joinRef === this.#joinRef;
	}

	async handle(push: Push): Promise<void> {
		switch (push.event) {
			case 'phx_leave':
				if (!this.isJoin(push.joinRef)) return;
				this.reply(push.ref, 'ok');
				this.end('phx_close');
				return;
			case 'broadcast':
				this.#broadcast(push);
				return;
			case 'presence':
				this.#presence(push);
				return;
			case 'access_token':
				await this.#refresh(push);
				return;
			default:
			// The real server is silent about events that it does not know.
		}
	}

	/** Nothing is delivered from here on; `farewell` tells the client. */
	end(farewell: Farewell | null): void {
		if (!this.#open) return;
		this.#open = false;
		this.#pass.end();
		this.#server.changes.unsubscribe(this);
		this.#server.topics.leave(this.#name, this.#join.private, this);
		this.#peer.drop(this);
		this.#lease.release();
		if (farewell !== null) this.bid(farewell);
	}

	bid(farewell: Farewell): void {
		this.send(farewell, '{}', this.#ref);
	}

	#broadcast(push: Push): void {
		const {ack, self} = this.#join.broadcast;
		const {topics, limits} = this.#server;
		if (push.binary === undefined && !isObject(push.payload) && this.version === '2.0.0') {
			this.end('phx_error');
			return;
		}
		if (!this.#pass.rights.write.broadcast) return;
		const text = push.binary === undefined ? push.text() : '';
		if (Buffer.byteLength(push.binary?.bytes ?? text) > limits.payload) {
			if (ack) this.reply(push.ref, 'error', '"payload_size_exceeded"');
			return;
		}
		const except = self ? null : this;
		if (push.binary === undefined) topics.broadcast(this.#name, this.#join.private, text, except);
		else topics.broadcastBinary(this.#name, this.#join.private, push.binary, except);
		if (ack) this.reply(push.ref, 'ok');
	}

	#presence(push: Push): void {
		const event = isObject(push.payload) ? push.payload['event'] : null;
		const known = typeof event === 'string' ? event.toLowerCase() : event;
		if (known === undefined) {
			this.reply(push.ref, 'ok');
			return;
		}
		if ((known !== 'track' && known !== 'untrack') || !this.#pass.rights.write.presence) {
			this.reply(push.ref, 'error');
			return;
		}
		if (!this.#countPresence()) {
			this.system('system', 'error', 'Client presence rate limit exceeded');
			this.end('phx_close');
			return;
		}
		const {topics} = this.#server;
		if (known === 'untrack') {
			topics.untrack(this.#name, this.#join.private, this);
			this.reply(push.ref, 'ok');
			return;
		}
		const payload = members(push.text()).get('payload') ?? '{}';
		if (!payload.startsWith('{')) {
			this.reply(push.ref, 'error');
			return;
		}
		topics.track(this.#name, this.#join.private, this, this.#presenceKey, payload);
		this.reply(push.ref, 'ok');
	}

	#countPresence(): boolean {
		const {presence, presenceWindow} = this.#server.limits;
		const now = performance.now();
		this.#presenceTimes = this.#presenceTimes.filter(time => now - time < presenceWindow);
		this.#presenceTimes.push(now);
		return this.#presenceTimes.length <= presence;
	}

	async #refresh(push: Push): Promise<void> {
		const token = isObject(push.payload) ? push.payload['access_token'] : null;
		if (!isToken(token) || token === this.#pass.token) return;
		const holder = readToken(this.#server.verify, token);
		if ('refresh' in holder) {
			this.#refuse(holder.refresh);
			return;
		}
		const rights = this.#join.private ? await privateRights(this.#server, this.#name, holder.subscriber) : allRights;
		if (!this.#open) return;
		if (!rights.read.broadcast) {
			this.#refuse(unauthorized(this.#name));
			return;
		}
		// It may have ended while the database was asked.
		const held = readToken(this.#server.verify, token);
		if ('refresh' in held) {
			this.#refuse(held.refresh);
			return;
		}
		this.#pass.renew(holder, rights);
		this.#peer.held(holder.name);
		if (this.#join.bindings.length === 0) return;
		const bindings = await this.#server.readBindings(this.subscriber.role, this.#join.bindings);
		if (!this.#open) return;
		const refused = typeof bindings === 'string' ? bindings : null;
		this.bindings = typeof bindings === 'string' ? [] : bindings;
		this.#server.changes.unsubscribe(this);
		if (refused === null) this.#server.changes.subscribe(this);
		this.#tellSubscribed(refused);
	}

	/** Whether its token holds; otherwise the client was told why not, and it is over. */
	recheck(): boolean {
		const holder = readToken(this.#server.verify, this.#pass.token);
		if ('subscriber' in holder) return true;
		this.#refuse(holder.refresh);
		return false;
	}

	#tellSubscribed(refused: string | null): void {
		if (refused === null) this.system('postgres_changes', 'ok', 'Subscribed to PostgreSQL');
		else this.system('postgres_changes', 'error', refused);
	}

	#refuse(message: string): void {
		this.system('system', 'error', message);
		this.end('phx_close');
	}
}

export function unauthorized(name: string): string {
	return `You do not have permissions to read from this Channel topic: ${name}`;
}

/** A message of the database, as a broadcast's payload. */
export function storedBroadcast(id: string, event: JsonText, payload: JsonText, replayed: boolean): JsonText {
	const meta = replayed ? {id, replayed} : {id};
	return objectText([
		['event', event],
		['meta', JSON.stringify(meta)],
		['payload', payload],
		['type', '"broadcast"'],
	]);
}
