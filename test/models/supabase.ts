import {anchorOf, isBeyond} from '../../source/gateway/rest/position.ts';
import type {Transport} from '../../source/gateway/link/link.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {History} from './history.ts';

/** The state of a connection. `stalled`: nothing passes, without an error. */
type State = 'open' | 'cut' | 'stalled';

/**
 * A Supabase without a process and without a network: REST and Realtime as the gateway asks for them, over one history, and
 * a cable for each client that can be cut or stall at any frame.
 */
export class ModelSupabase {
	readonly history = new History();
	readonly #cables = new Set<Cable>();

	cable(): Cable {
		const cable = new Cable(this.history, this.#cables.size);
		this.#cables.add(cable);
		return cable;
	}

	commit(xid: number): void {
		this.#announce(this.history.end(xid, true));
	}

	post(): void {
		this.#announce(this.history.post());
	}

	/** The server ends and comes back: every connection breaks. What is done to its files meanwhile is `work`. */
	restart(work: () => void): void {
		work();
		for (const cable of this.#cables) cable.breakAll();
	}

	/** Everything passes again. */
	heal(): void {
		for (const cable of this.#cables) cable.state = 'open';
	}

	#announce(rows: readonly Message[]): void {
		for (const message of rows) for (const cable of this.#cables) cable.announce(message);
	}
}

class Cable {
	state: State = 'open';
	/** This many notifications are lost, although connected. */
	deaf = 0;
	readonly transport: Transport;
	readonly #history: History;
	readonly #sockets = new Set<ModelSocket>();
	readonly #asked = new Set<() => void>();

	constructor(history: History, serial: number) {
		this.#history = history;
		const sockets = this.#sockets;
		const isOpen = (): boolean => this.state === 'open';
		const isCut = (): boolean => this.state === 'cut';
		this.transport = {
			name: `cable ${serial}`,
			fetch: (input, init) => this.#fetch(new URL(input instanceof Request ? input.url : input), init),
			ask: (address, init) => this.#fetch(new URL(address), init),
			webSocket: async () =>
				class extends ModelSocket {
					constructor() {
						super(isOpen, isCut);
						sockets.add(this);
					}
				} as unknown as typeof WebSocket,
		};
	}

	breakAll(): void {
		for (const fail of this.#asked) fail();
		for (const socket of this.#sockets) socket.drop();
		this.#sockets.clear();
	}

	announce(message: Message): void {
		if (this.deaf > 0) this.deaf -= 1;
		else if (this.state === 'open') for (const socket of this.#sockets) socket.announce(message);
	}

	/** The response is that of the moment of the request, and may be lost. */
	#fetch({pathname, searchParams}: URL, init: RequestInit = {}): Promise<Response> {
		const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {};
		return new Promise((resolve, reject) => {
			const fail = (): void => {
				this.#asked.delete(fail);
				reject(Object.assign(new TypeError('fetch failed'), {cause: {code: 'ECONNRESET'}}));
			};
			init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error), {once: true});
			if (this.state === 'cut') return fail();
			if (this.state === 'stalled') return;
			this.#asked.add(fail);
			const rows = this.#answer(pathname.replace('/rest/v1/', ''), searchParams, body);
			setImmediate(() => {
				if (!this.#asked.delete(fail) || this.state === 'stalled') return;
				if (this.state === 'cut') return fail();
				resolve(Response.json(rows));
			});
		});
	}

	#answer(what: string, search: URLSearchParams, body: Record<string, unknown>): unknown {
		const history = this.#history;
		if (what === 'rpc/mailbox_state') {
			const {settled} = history;
			return [
				{
					epoch: String(history.generation),
					horizon: String(history.horizon),
					latest_id: 0,
					mailbox_id: null,
					settled_xid: settled?.xid ?? null,
					settled_id: settled?.id ?? null,
					settled_at: settled === null ? null : new Date(settled.at).toISOString(),
				},
			];
		}
		if (what === 'rpc/messages_since' || what === 'rpc/messages_poll') {
			const place = {xid: String(body['p_xid']), id: Number(body['p_id'])};
			return history
				.after(place, Number(body['p_limit']))
				.map(message => ({...message, settled: history.isSettled(message), epoch: String(history.generation)}));
		}
		if (what === 'messages' && search.get('select') === 'id,xid,created_at') {
			const id = Number(search.get('id')?.replace('lte.', ''));
			const last = history.committed.find(message => message.id === id);
			return last === undefined ? [] : history.upTo(last).filter(message => !isBeyond(message, anchorOf(last)));
		}
		return [];
	}
}

type Frame = readonly [
	joinRef: unknown,
	ref: unknown,
	topic: string,
	event: string,
	payload: {readonly config?: Config},
];

interface Config {
	readonly postgres_changes?: readonly {readonly table: string; readonly event: string}[];
}

/** Phoenix's serializer 2.0.0, as far as the gateway's one channel needs it. */
class ModelSocket {
	static readonly CONNECTING = 0;
	static readonly OPEN = 1;
	static readonly CLOSING = 2;
	static readonly CLOSED = 3;
	readyState = 0;
	binaryType = 'arraybuffer';
	onopen: (() => void) | null = null;
	onmessage: ((event: {readonly data: string}) => void) | null = null;
	onclose: ((event: {readonly code: number; readonly reason: string; readonly wasClean: boolean}) => void) | null =
		null;
	onerror: ((event: unknown) => void) | null = null;
	#topic: string | null = null;
	#ids: readonly number[] = [];
	readonly #isOpen: () => boolean;

	constructor(isOpen: () => boolean, isCut: () => boolean) {
		this.#isOpen = isOpen;
		setImmediate(() => {
			if (isCut()) return this.drop();
			if (!isOpen() || this.readyState !== 0) return;
			this.readyState = 1;
			this.onopen?.();
		});
	}

	send(text: string): void {
		if (!this.#isOpen() || this.readyState !== 1) return;
		const [joinRef, ref, topic, event, payload] = JSON.parse(text) as Frame;
		if (event === 'phx_join') {
			const asked = payload.config?.postgres_changes ?? [];
			const changes = asked.map((each, id) => ({...each, id}));
			this.#topic = topic;
			this.#ids = changes.filter(({table, event}) => table === 'messages' && event === 'INSERT').map(({id}) => id);
			this.#give(joinRef, ref, topic, 'phx_reply', {status: 'ok', response: {postgres_changes: changes}});
			this.#give(null, null, topic, 'system', {
				extension: 'postgres_changes',
				status: 'ok',
				message: 'Subscribed',
				channel: topic,
			});
		} else this.#give(joinRef, ref, topic, 'phx_reply', {status: 'ok', response: {}});
	}

	announce(message: Message): void {
		if (this.#topic === null) return;
		const {signed: _, ...record} = message;
		const data = {
			schema: 'public',
			table: 'messages',
			type: 'INSERT',
			commit_timestamp: '',
			columns: [],
			record,
			errors: null,
		};
		this.#give(null, null, this.#topic, 'postgres_changes', {ids: this.#ids, data});
	}

	drop(): void {
		if (this.readyState === 3) return;
		this.readyState = 3;
		this.onclose?.({code: 1006, reason: '', wasClean: false});
	}

	close(): void {
		this.readyState = 3;
		setImmediate(() => this.onclose?.({code: 1000, reason: '', wasClean: true}));
	}

	#give(...frame: readonly unknown[]): void {
		const data = JSON.stringify(frame);
		setImmediate(() => {
			if (this.#isOpen() && this.readyState === 1) this.onmessage?.({data});
		});
	}
}
