import {setTimeout as sleep} from 'node:timers/promises';
import {sharedLimits} from '../../source/hub/database/time-limits.ts';
import type {TestHub} from '../helpers/hub.ts';

/** Milliseconds that one agent may delay a small request: what its statement may take while others wait, and until it is cancelled. */
export const longest = sharedLimits.agents + 1000;

export interface Answer {
	readonly status: number;
	readonly text: string;
}

export async function ask(hub: TestHub, token: string, path: string, body: unknown): Promise<Answer> {
	const response = await fetch(`${hub.url}${path}`, {
		method: 'POST',
		headers: {apikey: hub.anonKey, authorization: `Bearer ${token}`, 'content-type': 'application/json'},
		body: JSON.stringify(body),
		signal: AbortSignal.timeout(130_000),
	});
	return {status: response.status, text: await response.text()};
}

export const sql = (hub: TestHub, token: string, query: string): Promise<Answer> =>
	ask(hub, token, '/v1/projects/local/database/query', {query});

/** What a peer sees that only sends, reads its inbox and says that it is there. */
export class Peer {
	readonly waits: number[] = [];
	readonly refusals: string[] = [];
	readonly #hub: TestHub;
	readonly #token: string;

	constructor(hub: TestHub) {
		this.#hub = hub;
		this.#token = hub.tokenFor('PEER');
	}

	/** Three small requests one after the other. */
	async round(): Promise<void> {
		for (const [path, body] of [
			['/rest/v1/messages', {content: '[PEER] @OTHER still here'}],
			['/rest/v1/rpc/inbox', {p_reader: 'PEER'}],
			['/rest/v1/rpc/agent_touch', {p_presence: 'working', p_session: 'one'}],
		] as const) {
			const begun = performance.now();
			const {status, text} = await ask(this.#hub, this.#token, path, body);
			this.waits.push(performance.now() - begun);
			if (status >= 300) this.refusals.push(`${path}: ${status} ${text}`);
		}
	}

	/** Again and again until `work` is done, and at least once. */
	async beside(work: Promise<unknown>): Promise<void> {
		const over = new AbortController();
		const done = work.finally(() => over.abort());
		do {
			await this.round();
			await sleep(20);
		} while (!over.signal.aborted);
		await done;
	}

	get slowest(): number {
		return Math.max(0, ...this.waits);
	}
}
