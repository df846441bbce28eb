import {setTimeout as sleep} from 'node:timers/promises';
import type {TestHub} from '../helpers/hub.ts';
import type {Fault, Outcome} from './faults.ts';
import {onEngine, type Engine, type Start} from './on-engine.ts';
import {query} from './writers.ts';

// Twelve workers, some of which go silent for longer than their lease and come back, while the hub is killed in between.

interface Row {
	readonly id: number;
	readonly status: string;
	readonly lease_token: number;
	readonly depends_on: readonly number[];
}

/** What the database answered: rows, or that it refused; `unknown` where the answer was lost. */
type Answer = readonly Row[] | 'refused' | 'unknown';

const workers = 12;
const between = (from: number, to: number): number => from + Math.random() * (to - from);

/** Everything that was acknowledged, to be compared with what is there in the end. */
class Ledger {
	/** By task: the claims whose completion was acknowledged. */
	readonly completed = new Map<number, Set<number>>();
	/** Tasks that somebody said, acknowledged or not, to have done. */
	readonly ran = new Set<number>();
	readonly cancelled = new Set<number>();
	readonly faults: string[] = [];
	claims = 0;
	comebacks = 0;
	refusals = 0;

	complete(id: number, token: number, wasCancelled: boolean): void {
		if (wasCancelled) this.faults.push(`task ${id} was finished after it was cancelled`);
		const tokens = this.completed.get(id) ?? new Set();
		this.completed.set(id, tokens.add(token));
	}
}

class Crew {
	readonly ledger = new Ledger();
	#hub: TestHub;
	#over = false;
	readonly #running: Promise<void>[] = [];

	constructor(hub: TestHub) {
		this.#hub = hub;
	}

	/** Those of the hub that was started again. */
	set hub(hub: TestHub) {
		this.#hub = hub;
	}

	start(): void {
		for (let worker = 0; worker < workers; worker++) this.#running.push(this.#work(`W${worker}`));
	}

	async stop(): Promise<void> {
		this.#over = true;
		await Promise.all(this.#running);
	}

	/** Adds single tasks, chains of five and plans of four; each until it is known to be there, and once. */
	async addAll(count: number): Promise<void> {
		for (let added = 0, key = 0; added < count; key++) {
			const kind = key % 5;
			if (kind === 0) {
				let before: number[] = [];
				for (let link = 0; link < 5; link++) {
					const [task] = await this.#sure('task_add', {
						p_title: 'link',
						p_depends_on: before,
						p_idem_key: `${key}.${link}`,
					});
					before = task === undefined ? [] : [task.id];
				}
				added += 5;
			} else if (kind === 1) {
				const p_steps = Array.from({length: 4}, (_, at) => ({title: `step ${at}`}));
				await this.#sure('task_plan', {p_title: 'plan', p_steps, p_in_order: key % 2 === 0, p_idem_key: `${key}`});
				added += 4;
			} else {
				await this.#sure('task_add', {p_title: 'one', p_priority: key % 3, p_max_attempts: 50, p_idem_key: `${key}`});
				added += 1;
			}
		}
	}

	/** Cancels a task, if it is still open. */
	async cancel(id: number): Promise<void> {
		const answer = await this.#call('BOSS', 'task_cancel', {p_id: id});
		if (Array.isArray(answer) && answer.length === 1) this.ledger.cancelled.add(id);
	}

	async #work(tag: string): Promise<void> {
		while (!this.#over) {
			const p_lease = Math.round(between(2, 5));
			const answer = await this.#call(tag, 'task_claim', {p_lease});
			const task = typeof answer === 'string' ? undefined : answer[0];
			if (task === undefined) {
				await sleep(between(20, 100));
				continue;
			}
			this.ledger.claims++;
			for (const id of task.depends_on) {
				if (!this.ledger.ran.has(id)) this.ledger.faults.push(`task ${task.id} was claimed before task ${id} was done`);
			}
			await this.#do(tag, task, p_lease);
		}
	}

	async #do(tag: string, {id, lease_token}: Row, lease: number): Promise<void> {
		const fate = Math.random();
		// It hangs, is believed dead, and comes back with its result.
		if (fate < 0.04) {
			this.ledger.comebacks++;
			await sleep(lease * 1000 + between(0, 3000));
		} else {
			await sleep(between(5, 60));
			if (fate < 0.3) await this.#call(tag, 'task_progress', {p_id: id, p_token: lease_token, p_progress: 0.5});
			if (fate < 0.08) {
				await this.#call(tag, 'task_finish', {p_id: id, p_token: lease_token, p_ok: false, p_error: 'no luck'});
				return;
			}
			// A worker that died.
			if (fate < 0.1) return;
		}
		this.ledger.ran.add(id);
		// What was not answered is said again, until it is known.
		for (;;) {
			const wasCancelled = this.ledger.cancelled.has(id);
			const finish = {p_id: id, p_token: lease_token, p_result: {token: lease_token, by: tag}};
			const answer = await this.#call(tag, 'task_finish', finish);
			if (answer === 'unknown') {
				if (this.#over) return;
				await sleep(50);
				continue;
			}
			if (answer !== 'refused' && answer.length === 1) this.ledger.complete(id, lease_token, wasCancelled);
			else this.ledger.refusals++;
			return;
		}
	}

	async #sure(name: string, args: object): Promise<readonly Row[]> {
		for (;;) {
			const answer = await this.#call('BOSS', name, args);
			if (answer === 'unknown') await sleep(50);
			// A link of a chain whose beginning was cancelled.
			else if (answer === 'refused') return [];
			else return answer;
		}
	}

	async #call(tag: string, name: string, args: object): Promise<Answer> {
		const hub = this.#hub;
		try {
			const response = await fetch(`${hub.url}/rest/v1/rpc/${name}`, {
				method: 'POST',
				headers: {
					apikey: hub.anonKey,
					authorization: `Bearer ${hub.tokenFor(tag)}`,
					'content-type': 'application/json',
				},
				body: JSON.stringify(args),
				signal: AbortSignal.timeout(20_000),
			});
			const body: unknown = await response.json();
			if (response.ok) return body as Row[];
			// What a task's state forbids is a 500 of PostgREST's, and an answer all the same.
			return response.status < 500 || (body as {code?: unknown}).code === '55000' ? 'refused' : 'unknown';
		} catch {
			return 'unknown';
		}
	}
}

/** Kills the hub each time another part of the tasks has ended, until all have; then looks at what is there. */
async function played(start: Start, trials: number, count: number): Promise<Outcome> {
	const recovered: number[] = [];
	let hub = await start();
	const crew = new Crew(hub);
	const {ledger} = crew;
	crew.start();
	const added = {all: false};
	void crew.addAll(count).then(() => (added.all = true));
	const ended = async (): Promise<{done: number; open: number}> => {
		const [row] = await query<{done: number; open: number}>(
			hub,
			`select count(*) filter (where status not in ('queued', 'running'))::int as done,
				count(*) filter (where status in ('queued', 'running'))::int as open from tasks`,
		);
		return row ?? {done: 0, open: 0};
	};
	let kills = 0;
	let seen = {done: 0, open: 0};
	let since = performance.now();
	// The longest waits are the back-offs of a task that keeps failing.
	while ((!added.all || seen.open > 0) && performance.now() - since < 120_000) {
		await sleep(100);
		const now = await ended();
		if (now.done !== seen.done) since = performance.now();
		seen = now;
		if (Math.random() < 0.1) {
			const sql = `select id from tasks where status in ('queued', 'running') order by random() limit 1`;
			for (const {id} of await query<{id: number}>(hub, sql)) await crew.cancel(id);
		}
		if (kills < trials && now.done > ((kills + 1) * count) / (trials + 2)) {
			kills++;
			await hub.kill();
			// Long enough for leases to run out meanwhile.
			await sleep(between(100, 3000));
			const at = performance.now();
			hub = await start();
			crew.hub = hub;
			recovered.push(performance.now() - at);
			since = performance.now();
		}
	}
	await crew.stop();
	const rows = await query<{id: number; status: string; token: number | null}>(
		hub,
		`select id, status, (result ->> 'token')::int as token from tasks as t
			where not exists (select from tasks as step where step.parent_id = t.id) order by id`,
	);
	const faults = [...ledger.faults];
	if (kills < trials) faults.push(`only ${kills} of ${trials} kills were done`);
	if (seen.open > 0) faults.push(`${seen.open} tasks were never claimed, or never ended`);
	const lost = rows.filter(({id, status, token}) => {
		const tokens = ledger.completed.get(id);
		return tokens !== undefined && (status !== 'done' || token === null || !tokens.has(token));
	});
	for (const {id} of lost) faults.push(`task ${id} was acknowledged as done, and is not, or by another`);
	for (const {id, status} of rows) {
		if (status === 'done' && !ledger.ran.has(id)) faults.push(`task ${id} is done, and nobody did it`);
		if (status !== 'cancelled' && ledger.cancelled.has(id)) faults.push(`task ${id} was cancelled, and is ${status}`);
		if (status === 'dead') faults.push(`task ${id} died of kills and silence`);
	}
	const twice = [...ledger.completed].filter(([, tokens]) => tokens.size > 1);
	for (const [id] of twice) faults.push(`task ${id} was acknowledged as done twice`);
	await hub.stop({keep: true});
	return {
		trials,
		recovered,
		acknowledged: ledger.completed.size,
		lost: lost.length,
		duplicated: twice.length,
		faults,
		remark: `${rows.length} tasks, ${ledger.claims} claims, ${ledger.comebacks} came back late, ${ledger.refusals} were refused, ${ledger.cancelled.size} cancels`,
	};
}

const fault = (engine: Engine, count: number, trials: number, long: {long?: true; seconds: number}): Fault => ({
	what: `SIGKILL while ${workers} workers share tasks, with zombies`,
	engine,
	trials,
	...long,
	run: trials => onEngine(engine, start => played(start, trials, count)),
});

export const tasks: readonly Fault[] = [
	fault('pglite', 60, 1, {seconds: 20}),
	fault('pglite', 2000, 10, {long: true, seconds: 250}),
	fault('postgres', 1000, 10, {long: true, seconds: 120}),
];
