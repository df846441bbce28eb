import pg from 'pg';
import {quoteIdentifier} from '../database/session.ts';

/** Milliseconds between attempts to reconnect, doubled each time. */
const pauses = {first: 100, last: 5000};

type Listener = (payload: string) => void;

/**
 * The connection for LISTEN, which is kept open and reopened as long as the hub runs. Notifications are lost while it is down, so
 * `onListening` reports both.
 */
export class PostgresListener {
	readonly #config: pg.ClientConfig;
	readonly #timeout: number;
	readonly #onListening: (reason: string | null) => void;
	readonly #listeners = new Map<string, Set<Listener>>();
	#client: pg.Client | null = null;
	#closed = false;
	#timer: NodeJS.Timeout | undefined;

	/** `timeout`: milliseconds for connecting and for responses. `onListening` gets the reason when the connection is lost, and null when it is back. */
	constructor(config: pg.ClientConfig, timeout: number, onListening: (reason: string | null) => void) {
		this.#config = {...config, query_timeout: timeout, connectionTimeoutMillis: timeout};
		this.#timeout = timeout;
		this.#onListening = onListening;
	}

	/** Connects for the first time. Rejects with the error of the server or the network. */
	async open(): Promise<void> {
		await this.#connect();
	}

	/** Does not reject if the connection breaks: the next one listens to all channels. */
	async listen(channel: string, listener: Listener): Promise<() => Promise<void>> {
		const listeners = this.#listeners.get(channel) ?? new Set();
		this.#listeners.set(channel, listeners.add(listener));
		await this.#send(`listen ${quoteIdentifier(channel)}`);
		return async () => {
			listeners.delete(listener);
			if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
			this.#listeners.delete(channel);
			await this.#send(`unlisten ${quoteIdentifier(channel)}`);
		};
	}

	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#timer);
		const client = this.#client;
		this.#client = null;
		await client?.end().catch(() => undefined);
	}

	async #connect(): Promise<void> {
		const client = new pg.Client(this.#config);
		let over = false;
		const lose = (reason: Error): void => {
			if (over) return;
			over = true;
			void client.end().catch(() => undefined);
			if (this.#client === client) this.#lost(reason);
		};
		client.on('error', lose);
		client.on('end', () => lose(new Error('Connection terminated')));
		client.on('notification', ({channel, payload = ''}) => {
			for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
		});
		try {
			await client.connect();
			for (const channel of this.#listeners.keys()) await client.query(`listen ${quoteIdentifier(channel)}`);
		} catch (error) {
			lose(error as Error);
			throw error;
		}
		if (over) throw new Error('Connection terminated');
		if (this.#closed) return lose(new Error('closed'));
		this.#client = client;
		// A channel may have been added meanwhile.
		for (const channel of this.#listeners.keys()) await this.#send(`listen ${quoteIdentifier(channel)}`);
		this.#beat(client, lose);
	}

	#beat(client: pg.Client, lose: (error: Error) => void): void {
		// Checks an idle connection with an empty query.
		this.#timer = setTimeout(() => void this.#ask(client, lose), this.#timeout);
	}

	async #ask(client: pg.Client, lose: (error: Error) => void): Promise<void> {
		try {
			await client.query('select');
			if (this.#client === client) this.#beat(client, lose);
		} catch (error) {
			lose(error as Error);
		}
	}

	#lost(reason: Error): void {
		this.#client = null;
		clearTimeout(this.#timer);
		if (this.#closed) return;
		this.#onListening(reason.message);
		void this.#reconnect(pauses.first);
	}

	async #reconnect(pause: number): Promise<void> {
		// With jitter, so that not all hubs of a team reconnect at the same moment.
		await new Promise(resolve => {
			this.#timer = setTimeout(resolve, pause * (0.75 + Math.random() / 2));
		});
		if (this.#closed) return;
		try {
			await this.#connect();
		} catch {
			void this.#reconnect(Math.min(pause * 2, pauses.last));
			return;
		}
		if (this.#client !== null) this.#onListening(null);
	}

	async #send(text: string): Promise<void> {
		try {
			await this.#client?.query(text);
		} catch {
			// The connection is broken; its `error` event handles that.
		}
	}
}
