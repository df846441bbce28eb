import pg from 'pg';
import {quoteIdentifier} from '../database/session.ts';

/** Milliseconds between two attempts to connect again: doubled from the first to the last. */
const pauses = {first: 100, last: 5000};

type Listener = (payload: string) => void;

/**
 * The one connection that LISTENs: kept up for as long as the hub runs. What is notified while it is down is lost, so that
 * whoever depends on it is told of both.
 */
export class PostgresListener {
	readonly #config: pg.ClientConfig;
	readonly #patience: number;
	readonly #onListening: (reason: string | null) => void;
	readonly #listeners = new Map<string, Set<Listener>>();
	#client: pg.Client | null = null;
	#closed = false;
	#timer: NodeJS.Timeout | undefined;

	/** `patience`: milliseconds that it may take to connect or to answer. `onListening`: null when it listens again, or why it does not any more; each once. */
	constructor(config: pg.ClientConfig, timeout: number, onListening: (reason: string | null) => void) {
		this.#config = {...config, query_timeout: timeout, connectionTimeoutMillis: timeout};
		this.#patience = timeout;
		this.#onListening = onListening;
	}

	/** The first time. Rejects with what the server or the network said. */
	async open(): Promise<void> {
		await this.#connect();
	}

	/** Never rejects over a connection that broke: the next one listens to all channels. */
	async listen(channel: string, listener: Listener): Promise<() => Promise<void>> {
		const listeners = this.#listeners.get(channel) ?? new Set();
		this.#listeners.set(channel, listeners.add(listener));
		await this.#say(`listen ${quoteIdentifier(channel)}`);
		return async () => {
			listeners.delete(listener);
			if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
			this.#listeners.delete(channel);
			await this.#say(`unlisten ${quoteIdentifier(channel)}`);
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
		// A channel that was asked for meanwhile.
		for (const channel of this.#listeners.keys()) await this.#say(`listen ${quoteIdentifier(channel)}`);
		this.#beat(client, lose);
	}

	#beat(client: pg.Client, lose: (error: Error) => void): void {
		// A connection that says nothing is asked whether it still stands.
		this.#timer = setTimeout(() => void this.#ask(client, lose), this.#patience);
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
		// Not all hubs of a team at the same moment.
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

	async #say(text: string): Promise<void> {
		try {
			await this.#client?.query(text);
		} catch {
			// The connection broke, and `error` says so; or it will.
		}
	}
}
