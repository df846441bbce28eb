import {randomUUID} from 'node:crypto';
import type {Binding} from './binding.ts';
import type {Subscriber} from './changes.ts';
import type {SubscriberRole} from './changed-rows.ts';
import {encode, encodeText, type Push, type Version, type Wire} from './frame.ts';
import {isObject, isToken, type Join} from './join.ts';
import {members, objectText, type JsonText} from './json-text.ts';
import {Authorization} from './authorization.ts';
import {allRights, privateRights, type Rights} from './rights.ts';
import type {RealtimeContext} from './context.ts';
import type {Reservation} from './shares.ts';
import {readToken, type TokenClaims} from './token.ts';
import type {Member} from './topic.ts';

/** The socket that a channel was joined on. */
export interface Peer {
	readonly version: Version;
	write(wire: Wire): void;
	/** Writes frames that have their headers. The buffer may be shared with other sockets. */
	writeFrames(frames: Buffer): void;
	/** The channel has ended. */
	drop(channel: Channel): void;
	/** The holder's token was used on the socket: count the connection as the holder's. */
	countAs(holder: string): void;
}

/** A join that was accepted. */
export interface Joined {
	readonly join: Join;
	readonly holder: TokenClaims;
	readonly rights: Rights;
	readonly bindings: readonly Binding[];
	/** From the holder's share. */
	readonly reservation: Reservation;
}

/** The event that tells the client that a channel has ended: it left or has been told why, or there was an error. */
type EndEvent = 'phx_close' | 'phx_error';

/** A topic joined by a socket. */
export class Channel implements Member, Subscriber {
	/** Including `realtime:`. */
	readonly topic: string;
	bindings: readonly Binding[];
	readonly #context: RealtimeContext;
	readonly #peer: Peer;
	/** The refs of the join. */
	readonly #joinRef: unknown;
	readonly #ref: unknown;
	readonly #join: Join;
	readonly #presenceKey: string;
	readonly #authorization: Authorization;
	readonly #reservation: Reservation;
	#presenceTimes: number[] = [];
	#open = true;

	constructor(context: RealtimeContext, peer: Peer, push: Push, {join, holder, rights, bindings, reservation}: Joined) {
		this.#context = context;
		this.#peer = peer;
		this.topic = push.topic;
		this.#joinRef = push.joinRef;
		this.#ref = push.ref;
		this.#join = join;
		this.#presenceKey = join.presence.key === '' ? randomUUID() : join.presence.key;
		this.#authorization = new Authorization(holder, rights, message => this.#refuse(message));
		this.#reservation = reservation;
		this.bindings = bindings;
	}

	get version(): Version {
		return this.#peer.version;
	}

	get subscriber(): SubscriberRole {
		return this.#authorization.subscriber;
	}

	get seesPresence(): boolean {
		return this.#authorization.rights.read.presence;
	}

	get #name(): string {
		return this.topic.slice('realtime:'.length);
	}

	write(wire: Wire): void {
		this.#peer.write(wire);
	}

	get format(): string {
		return JSON.stringify([this.version, this.topic, this.#join.legacy]);
	}

	frame(data: JsonText, type: string, ids: readonly number[]): string {
		const [event, payload] = this.#join.legacy
			? [type, data]
			: ['postgres_changes', `{"data":${data},"ids":${JSON.stringify(ids)}}`];
		return encodeText(this.version, {joinRef: null, ref: null, topic: this.topic, event, payload});
	}

	deliver(frames: Buffer): void {
		this.#peer.writeFrames(frames);
	}

	lost(): void {
		this.end('phx_error');
	}

	/** Replies to a push of the client, including the join. */
	reply(ref: unknown, status: 'ok' | 'error', response: JsonText = '{}'): void {
		this.send('phx_reply', `{"response":${response},"status":"${status}"}`, ref);
	}

	/** Sends a message with the join's ref. */
	send(event: string, payload: JsonText, ref: unknown = null): void {
		this.write(encode(this.version, {joinRef: this.#joinRef, ref, topic: this.topic, event, payload}));
	}

	system(extension: 'postgres_changes' | 'system', status: 'ok' | 'error', message: string): void {
		this.send('system', JSON.stringify({channel: this.#name, extension, message, status}));
	}

	/** Completes the join after the reply: deliveries start. `refused`: why there will be no changes; null otherwise. */
	open(refused: string | null): void {
		this.#context.topics.join(this.#name, this.#join.private, this);
		this.#authorization.watch();
		if (this.bindings.length > 0) this.#context.changes.subscribe(this);
		if (this.#join.bindings.length > 0) this.#reportSubscribed(refused);
		if (this.#join.presence.enabled && this.seesPresence) {
			this.send('presence_state', this.#context.topics.presenceState(this.#name, this.#join.private));
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
			// Supabase Realtime ignores unknown events.
		}
	}

	/** Ends the channel; nothing more is delivered. `event` is sent to the client; null sends nothing. */
	end(event: EndEvent | null): void {
		if (!this.#open) return;
		this.#open = false;
		this.#authorization.end();
		this.#context.changes.unsubscribe(this);
		this.#context.topics.leave(this.#name, this.#join.private, this);
		this.#peer.drop(this);
		this.#reservation.release();
		if (event !== null) this.sendEnd(event);
	}

	sendEnd(event: EndEvent): void {
		this.send(event, '{}', this.#ref);
	}

	#broadcast(push: Push): void {
		const {ack, self} = this.#join.broadcast;
		const {topics, limits} = this.#context;
		if (push.binary === undefined && !isObject(push.payload) && this.version === '2.0.0') {
			this.end('phx_error');
			return;
		}
		if (!this.#authorization.rights.write.broadcast) return;
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
		if ((known !== 'track' && known !== 'untrack') || !this.#authorization.rights.write.presence) {
			this.reply(push.ref, 'error');
			return;
		}
		if (!this.#countPresence()) {
			this.system('system', 'error', 'Client presence rate limit exceeded');
			this.end('phx_close');
			return;
		}
		const {topics} = this.#context;
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
		const {presence, presenceWindow} = this.#context.limits;
		const now = performance.now();
		this.#presenceTimes = this.#presenceTimes.filter(time => now - time < presenceWindow);
		this.#presenceTimes.push(now);
		return this.#presenceTimes.length <= presence;
	}

	async #refresh(push: Push): Promise<void> {
		const token = isObject(push.payload) ? push.payload['access_token'] : null;
		if (!isToken(token) || token === this.#authorization.token) return;
		const holder = readToken(this.#context.verify, token);
		if ('refresh' in holder) {
			this.#refuse(holder.refresh);
			return;
		}
		const rights = this.#join.private ? await privateRights(this.#context, this.#name, holder.subscriber) : allRights;
		if (!this.#open) return;
		if (!rights.read.broadcast) {
			this.#refuse(unauthorized(this.#name));
			return;
		}
		// The token may have become invalid during the query.
		const current = readToken(this.#context.verify, token);
		if ('refresh' in current) {
			this.#refuse(current.refresh);
			return;
		}
		this.#authorization.renew(holder, rights);
		this.#peer.countAs(holder.name);
		if (this.#join.bindings.length === 0) return;
		const bindings = await this.#context.readBindings(this.subscriber.role, this.#join.bindings);
		if (!this.#open) return;
		const refused = typeof bindings === 'string' ? bindings : null;
		this.bindings = typeof bindings === 'string' ? [] : bindings;
		this.#context.changes.unsubscribe(this);
		if (refused === null) this.#context.changes.subscribe(this);
		this.#reportSubscribed(refused);
	}

	/** Whether the token is still valid. If not, tells the client why and ends the channel. */
	recheck(): boolean {
		const holder = readToken(this.#context.verify, this.#authorization.token);
		if ('subscriber' in holder) return true;
		this.#refuse(holder.refresh);
		return false;
	}

	#reportSubscribed(refused: string | null): void {
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

/** The payload of a broadcast that the database stored. */
export function storedBroadcast(id: string, event: JsonText, payload: JsonText, replayed: boolean): JsonText {
	const meta = replayed ? {id, replayed} : {id};
	return objectText([
		['event', event],
		['meta', JSON.stringify(meta)],
		['payload', payload],
		['type', '"broadcast"'],
	]);
}
