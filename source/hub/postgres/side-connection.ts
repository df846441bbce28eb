import pg from 'pg';

/** One more connection, made when something is asked of the server besides the calls; one question at a time. */
export class SideConnection {
	readonly #config: pg.ClientConfig;
	#client: Promise<pg.Client> | null = null;
	#last: Promise<unknown> = Promise.resolve();
	#isClosed = false;

	constructor(config: pg.ClientConfig) {
		this.#config = config;
	}

	/** The rows; null where the server could not be asked. Never rejects. */
	ask<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[] | null> {
		// node-postgres takes no second query while the first one runs.
		const answer = this.#last.then(() => this.#ask<Row>(text, values));
		this.#last = answer;
		return answer;
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		await this.#last;
		await this.#end();
	}

	async #ask<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[] | null> {
		if (this.#isClosed) return null;
		try {
			this.#client ??= this.#connect();
			const client = await this.#client;
			return (await client.query<Row>(text, [...values])).rows;
		} catch {
			// The next time on another connection.
			await this.#end();
			return null;
		}
	}

	async #end(): Promise<void> {
		const client = await this.#client?.catch(() => null);
		this.#client = null;
		await client?.end().catch(() => undefined);
	}

	async #connect(): Promise<pg.Client> {
		const client = new pg.Client(this.#config);
		client.on('error', () => {
			this.#client = null;
		});
		await client.connect();
		return client;
	}
}
