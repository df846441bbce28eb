import type {TestHub} from '../helpers/hub.ts';
import type {Fault, Outcome} from './faults.ts';
import {often, onEngine, type Engine} from './on-engine.ts';
import {ask} from './peer.ts';
import {query} from './writers.ts';

// Tasks that wait for each other in every way, made and changed by many at once: whatever was accepted can be done in the end.

const clients = 8;
/** What a task's state, a circle or a missing task forbids. */
const refusals = /"code":"(?:55000|22023|23503)"/;

interface Task {
	readonly id: number;
	readonly status: string;
	readonly lease_token: number;
}

class Crowd {
	readonly #hub: TestHub;
	readonly #ids: number[] = [];
	readonly faults: string[] = [];
	accepted = 0;
	refused = 0;

	constructor(hub: TestHub) {
		this.#hub = hub;
	}

	async play(count: number): Promise<void> {
		await Promise.all(
			Array.from({length: clients}, async () => {
				for (let done = 0; done < count / clients; done += 1) await this.#step(Math.random());
			}),
		);
	}

	/** One worker does all that can be done. */
	async drain(): Promise<void> {
		// Without the pauses after a failure.
		await query(this.#hub, 'update tasks set run_at = null where run_at is not null');
		while (await this.#work(true));
	}

	async #step(kind: number): Promise<void> {
		if (kind < 0.35) {
			const p_parent_id = Math.random() < 0.5 ? this.#any() : null;
			await this.#call('task_add', {p_title: 'x', p_depends_on: this.#some(), p_parent_id, p_max_attempts: 1});
		} else if (kind < 0.45) {
			const p_steps = [{title: 'one'}, {title: 'two'}, {title: 'three'}];
			const p_parent_id = Math.random() < 0.5 ? this.#any() : null;
			await this.#call('task_plan', {p_title: 'plan', p_steps, p_depends_on: this.#some(), p_parent_id});
		} else if (kind < 0.6) await this.#change();
		else if (kind < 0.7) await this.#call('task_cancel', {p_id: this.#any()});
		else if (kind < 0.85) await this.#call('task_retry', {p_id: this.#any()});
		else await this.#work(Math.random() < 0.7);
	}

	/** As its owner may by plain SQL: which may say what the functions refuse, but for a circle. */
	async #change(): Promise<void> {
		const [id, other] = [this.#any(), this.#any()];
		const edge = Math.random() < 0.5 ? `parent_id = ${other}` : `depends_on = array[${other}]::bigint[]`;
		const both = `id = ${id} and status = 'queued' and (select status from tasks where id = ${other}) = 'queued'`;
		await query(this.#hub, `update tasks set ${edge} where ${both} and ${id} <> ${other}`).then(
			() => (this.accepted += 1),
			(error: unknown) => this.#refuse('update', String(error)),
		);
	}

	async #work(ok: boolean): Promise<boolean> {
		const [task] = await this.#call('task_claim', {p_lease: 60});
		if (task === undefined) return false;
		await this.#call('task_finish', {
			p_id: task.id,
			p_token: task.lease_token,
			p_ok: ok,
			p_error: ok ? null : 'no luck',
		});
		return true;
	}

	async #call(name: string, args: object): Promise<readonly Task[]> {
		const {status, text} = await ask(this.#hub, this.#hub.tokenFor('HUMAN', 'human'), `/rest/v1/rpc/${name}`, args);
		if (status >= 300) {
			this.#refuse(name, text);
			return [];
		}
		this.accepted += 1;
		const rows = [JSON.parse(text)].flat() as Task[];
		for (const {id} of rows) if (!this.#ids.includes(id)) this.#ids.push(id);
		return rows;
	}

	#refuse(what: string, why: string): void {
		this.refused += 1;
		if (!refusals.test(why) && !/would be blocked for ever/.test(why))
			this.faults.push(`${what}: ${why.slice(0, 300)}`);
	}

	/** One of the newest, so that they have much to do with each other. */
	#any(): number {
		return this.#ids.at(-1 - Math.floor(Math.random() * Math.min(this.#ids.length, 30))) ?? 1;
	}

	#some(): number[] {
		return Array.from({length: Math.floor(Math.random() * 3)}, () => this.#any());
	}
}

function circles(engine: Engine, count: number): Promise<Outcome> {
	return onEngine(engine, async (start): Promise<Outcome> => {
		const hub = await start();
		const crowd = new Crowd(hub);
		await crowd.play(count);
		await crowd.drain();
		// What is open, and waits for nothing that is open: the ends of what can never be done.
		const open = await query<{words: string}>(
			hub,
			`select format('task %s (%s, step of %s) waits for %s', t.id, t.status, t.parent_id, coalesce((select
				string_agg(format('%s %s', d.id, d.status), ', ') from tasks as d where d.id = any (t.depends_on)), 'nothing')) as words
			from tasks as t where t.status in ('queued', 'running') order by
				exists (select from tasks as d where d.status in ('queued', 'running') and (d.id = any (t.depends_on) or d.parent_id = t.id)), t.id`,
		);
		const kinds = crowd.faults.slice(0, 5);
		if (open.length > 0) kinds.push(`${open.length} tasks can never be done: ${open[0]?.words}`);
		return {
			trials: count,
			recovered: [],
			faults: kinds,
			remark: `${crowd.accepted} accepted, ${crowd.refused} refused`,
		};
	});
}

export const circleFaults: readonly Fault[] = (['pglite', 'postgres'] as const).map(engine => ({
	what: 'tasks that would wait in circles, by eight at once',
	engine,
	...often(engine, 100, 1000),
	seconds: engine === 'pglite' ? 5 : 40,
	run: count => circles(engine, count),
}));
