import {randomUUID} from 'node:crypto';
import type {TestHub} from '../helpers/hub.ts';

/** What a writer needs to know of the hub. */
export type Address = Pick<TestHub, 'url' | 'serviceRoleKey'>;

interface WriterOptions {
	/** What a message says, with its key at the beginning; by default that alone. */
	readonly text?: (key: string) => string;
	/** Milliseconds that a client waits for an answer. */
	readonly timeout?: number;
}

/** What of what was sent is there, when all is over. */
export interface Found {
	/** Messages whose insert was answered with success. */
	readonly acknowledged: number;
	/** Of those, how many are not there. */
	readonly lost: number;
	/** Messages that are there more than once. */
	readonly duplicated: number;
}

/** Clients that insert one message after another, and send again, under the same key, what was not answered. */
export class Writers {
	readonly #acknowledged = new Set<string>();
	readonly #open = new Set<string>();
	#running: AbortController | null = null;
	#done: Promise<unknown> = Promise.resolve();
	readonly #text: (key: string) => string;
	readonly #timeout: number;

	constructor({text = key => key, timeout = 20_000}: WriterOptions = {}) {
		this.#text = text;
		this.#timeout = timeout;
	}

	get acknowledged(): number {
		return this.#acknowledged.size;
	}

	start(hub: Address, clients = 4): void {
		const running = new AbortController();
		this.#running = running;
		this.#done = Promise.all(
			Array.from({length: clients}, async () => {
				while (!running.signal.aborted) {
					const [again] = this.#open;
					const key = again ?? randomUUID();
					// Another client takes another one.
					this.#open.delete(key);
					if (await this.#insert(hub, key)) this.#acknowledged.add(key);
					else {
						this.#open.add(key);
						await new Promise(resolve => {
							setTimeout(resolve, 20);
						});
					}
				}
			}),
		);
	}

	async stop(): Promise<void> {
		this.#running?.abort();
		await this.#done;
	}

	/** Looks at a hub that runs; what is still open is sent once more before. */
	async find(hub: Address): Promise<Found> {
		for (const key of this.#open) {
			if (!(await this.#insert(hub, key))) continue;
			this.#acknowledged.add(key);
			this.#open.delete(key);
		}
		// A message begins with its key; the rest may be long.
		const rows = await query<{key: string; n: number}>(
			hub,
			`select left(body, 36) as key, count(*)::int as n from messages where tag = 'WRITER' group by body`,
		);
		const counts = new Map(rows.map(({key, n}) => [key, n]));
		return {
			acknowledged: this.#acknowledged.size,
			lost: [...this.#acknowledged].filter(key => !counts.has(key)).length,
			duplicated: rows.filter(({n}) => n > 1).length,
		};
	}

	/** Whether it was answered with success. */
	async #insert({url, serviceRoleKey}: Address, key: string): Promise<boolean> {
		try {
			const response = await fetch(`${url}/rest/v1/messages?on_conflict=client_id`, {
				method: 'POST',
				headers: {
					apikey: serviceRoleKey,
					authorization: `Bearer ${serviceRoleKey}`,
					'content-type': 'application/json',
					prefer: 'resolution=ignore-duplicates,return=minimal',
				},
				body: JSON.stringify({content: `[WRITER] ${this.#text(key)}`, client_id: key}),
				signal: AbortSignal.timeout(this.#timeout),
			});
			await response.text();
			return response.ok;
		} catch {
			return false;
		}
	}
}

export async function query<Row>({url, serviceRoleKey}: Address, sql: string): Promise<Row[]> {
	const response = await fetch(`${url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {authorization: `Bearer ${serviceRoleKey}`, 'content-type': 'application/json'},
		body: JSON.stringify({query: sql}),
	});
	if (!response.ok) throw new Error(await response.text());
	return (await response.json()) as Row[];
}
