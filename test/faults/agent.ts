import {setTimeout as sleep} from 'node:timers/promises';
import type {TestHub} from '../helpers/hub.ts';
import {ask} from './peer.ts';

export interface TaskRow {
	readonly id: number;
	readonly status: string;
	readonly attempts: number;
	readonly lease_token: number;
	readonly result: unknown;
}

/** What the database answered: rows, or why not. */
export type Answer = {readonly rows: readonly TaskRow[]} | {readonly refused: string};

/** On a machine that is busy with other faults: nothing was done, and an agent asks again. */
const busy = /"code":"(?:57014|PT429|PGRST003)"/;

/** An agent's calls of the functions of tasks and mail, on whichever hub there is. */
export class Agent {
	readonly tag: string;
	readonly #hub: () => TestHub;

	constructor(tag: string, hub: () => TestHub) {
		this.tag = tag;
		this.#hub = hub;
	}

	async call(name: string, args: object = {}): Promise<Answer> {
		const hub = this.#hub();
		const {status, text} = await ask(hub, hub.tokenFor(this.tag), `/rest/v1/rpc/${name}`, args);
		if (busy.test(text)) {
			await sleep(500);
			return this.call(name, args);
		}
		if (status >= 300) return {refused: text};
		return {rows: [JSON.parse(text === '' ? '[]' : text)].flat() as TaskRow[]};
	}

	/** The first row. Throws the error, or if there is none. */
	async one(name: string, args: object = {}): Promise<TaskRow> {
		const answer = await this.call(name, args);
		const row = 'rows' in answer ? answer.rows[0] : undefined;
		if (row === undefined) throw new Error(`${this.tag}: ${name} was answered ${JSON.stringify(answer)}`);
		return row;
	}

	/** Null if there is none to claim. */
	async claim(lease: number, id?: number): Promise<TaskRow | null> {
		const answer = await this.call('task_claim', {p_lease: lease, ...(id === undefined ? {} : {p_id: id})});
		if ('refused' in answer) throw new Error(answer.refused);
		return answer.rows[0] ?? null;
	}

	finish({id, lease_token}: Pick<TaskRow, 'id' | 'lease_token'>, result: object = {}): Promise<Answer> {
		return this.call('task_finish', {p_id: id, p_token: lease_token, p_result: result});
	}
}

/** Whether it was accepted. */
export function isDone(answer: Answer): boolean {
	return 'rows' in answer && answer.rows[0]?.status === 'done';
}
