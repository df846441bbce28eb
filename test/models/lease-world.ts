import {isDeepStrictEqual} from 'node:util';
import type {ScriptedClock} from '../helpers/clock.ts';
import {agent, human, owner, type Caller, type MigratedDatabase, type Row} from '../helpers/migrated.ts';

/** What may happen; `which` is taken modulo the number of those that there are. */
export type Step =
	| {
			readonly kind: 'add';
			readonly priority: number;
			readonly attempts: number;
			readonly after: number | null;
			readonly parent: number | null;
			/** Seconds until it may be claimed. */
			readonly delay: number;
	  }
	| {readonly kind: 'plan'; readonly size: number; readonly inOrder: boolean}
	| {readonly kind: 'claim'; readonly worker: number; readonly lease: number}
	| {readonly kind: 'heartbeat'; readonly worker: number; readonly which: number; readonly lease: number}
	| {readonly kind: 'progress'; readonly worker: number; readonly which: number}
	| {
			readonly kind: 'finish';
			readonly worker: number;
			readonly which: number;
			readonly ok: boolean;
			readonly twice: boolean;
	  }
	| {readonly kind: 'cancel' | 'retry'; readonly which: number}
	| {readonly kind: 'die'; readonly worker: number}
	/** Its client gives a sign of life, or signs off. */
	| {readonly kind: 'sign' | 'leave'; readonly worker: number}
	| {readonly kind: 'pass'; readonly seconds: number}
	| {readonly kind: 'sleep'; readonly seconds: number; readonly first: 'hub' | 'claim'}
	| {readonly kind: 'restart' | 'clock'; readonly seconds: number};

interface TaskRow {
	readonly id: number;
	readonly status: string;
	readonly priority: number;
	readonly attempts: number;
	readonly lease_owner: string | null;
	readonly lease_token: number;
	readonly parent_id: number | null;
	readonly depends_on: readonly number[];
	readonly result: unknown;
	/** Seconds, by the clock of the database. */
	readonly left: number | null;
}

/** A claim. Workers remember all of theirs, and try them when they come back from the dead. */
interface Claim {
	readonly id: number;
	readonly token: number;
	readonly worker: number;
	readonly result: number;
	/** Seconds of time that somebody watched until the lease runs out. */
	left: number;
	ended: 'open' | 'ok' | 'failed' | 'stopped';
}

/** What a task waits for after a failure or by request, by the scripted clock. */
interface Wait {
	readonly from: number;
	readonly until: number;
	readonly backoff: number | null;
}

const period = 5;
/** Seconds for which a sign of life counts, and seconds for which an owner that lives keeps a lease that ran out. */
const life = {sign: 300, keep: 3600};
/** Seconds that a lease lasts once the client of its owner has signed off. */
const farewell = 10;
/** Seconds that a lease has at least after a nap, and the shortest nap for which it has. */
const grace = {left: 120, nap: 60};
const open = (status: string): boolean => status === 'queued' || status === 'running';

/** The mailbox's tasks beside what the promises say of them. Each step throws when one of them is broken. */
export class LeaseWorld {
	readonly #database: MigratedDatabase;
	readonly #clock: ScriptedClock;
	/** When the history began, on a server whose own clock goes on meanwhile; null where nothing takes any time. */
	readonly #started: number | null;
	/** The scripted clock, in seconds. */
	#now = 0;
	#results = 0;
	#rows = new Map<number, TaskRow>();
	readonly #claims: Claim[] = [];
	readonly #waits = new Map<number, Wait>();
	/** Claims of each task since it was added or tried again by somebody. */
	readonly #attempts = new Map<number, number>();
	/** When the client of each worker gave its last sign of life, by the scripted clock; null: it has signed off. */
	readonly #signs = new Map<number, number | null>();
	/** Claims whose owner went away: they count as an attempt again when it goes on. */
	readonly #uncounted = new Set<Claim>();
	readonly #trace: string[] = [];

	constructor(database: MigratedDatabase, clock: ScriptedClock, exact: boolean) {
		this.#database = database;
		this.#clock = clock;
		this.#started = exact ? null : performance.now();
	}

	async take(step: Step): Promise<void> {
		this.#trace.push(JSON.stringify(step));
		try {
			await this.#take(step);
		} catch (error) {
			throw new Error(`${(error as Error).message}\n${this.#trace.join('\n')}`, {cause: error});
		}
	}

	/** Only one new worker is left, which finishes everything in bounded time; resolves with what it could not finish. */
	async drain(): Promise<string[]> {
		// A time that somebody named comes when the clock says so, and so does the age of a sign of life, if the clock was put back since.
		const signs = [...this.#signs.values()].filter(at => at !== null);
		const latest = Math.max(this.#now, ...signs, ...[...this.#waits.values()].map(({until}) => until));
		await this.take({kind: 'clock', seconds: latest - this.#now + 200});
		await this.take({kind: 'pass', seconds: signs.length > 0 ? 400 : 130});
		for (let turn = 0; turn <= this.#rows.size; turn++) {
			const [task] = await this.#as(agent('DRAIN'), 'select id, lease_token from task_claim(p_lease => 60)');
			if (task === undefined) break;
			await this.#as(agent('DRAIN'), 'select id from task_finish($1, $2)', [task['id'], task['lease_token']]);
		}
		const rows = await this.#read();
		const left = [...rows.values()].filter(({status}) => open(status)).map(({id, status}) => `${id} ${status}`);
		for (const {id, status} of rows.values()) {
			const isPlan = [...rows.values()].some(({parent_id}) => parent_id === id);
			const wasClaimed = this.#claims.some(claim => claim.id === id) || (rows.get(id)?.lease_token ?? 0) > 0;
			this.#check(status !== 'done' || isPlan || wasClaimed, `task ${id} is done and nobody ran it`);
		}
		return left;
	}

	async #take(step: Step): Promise<void> {
		switch (step.kind) {
			case 'add':
				return this.#add(step);
			case 'plan': {
				const titles = JSON.stringify(Array.from({length: step.size}, (_, at) => ({title: `step ${at}`})));
				await this.#as(agent('A'), `select id from task_plan('plan', $1, $2)`, [titles, step.inOrder]);
				return this.#settle();
			}
			case 'claim':
				return this.#claim(step.worker, step.lease);
			case 'heartbeat':
			case 'progress':
			case 'finish': {
				const mine = this.#claims.filter(({worker}) => worker === step.worker);
				const claim = mine.at(-1 - (step.which % Math.max(1, mine.length)));
				if (claim === undefined) return;
				if (step.kind === 'finish') return this.#finish(claim, step.ok, step.twice);
				return this.#goOn(claim, step.kind === 'heartbeat' ? step.lease : null);
			}
			case 'cancel':
			case 'retry':
				return this.#byHand(step.kind, step.which);
			case 'sign':
			case 'leave':
				return this.#touch(step.worker, step.kind === 'sign');
			case 'die':
				// It sends no heartbeats any more, but remembers its claims.
				return;
			case 'pass':
				for (let left = step.seconds; left > 0; left -= period) await this.#watched(Math.min(left, period));
				return;
			case 'sleep':
				await this.#clock.step(step.seconds);
				this.#now += step.seconds;
				// Of the time without a watcher, one period counts.
				this.#elapse(period);
				if (step.seconds >= grace.nap) this.#wake();
				if (step.first === 'hub') return this.#look();
				await this.#claim(3, 60);
				return;
			case 'restart':
				await this.#clock.step(step.seconds);
				this.#now += step.seconds;
				await this.#as(owner, 'select agentmux.reap(null, true)');
				this.#wake();
				return this.#look();
			case 'clock':
				await this.#clock.step(step.seconds);
				this.#now += step.seconds;
				if (step.seconds > 2 * period) this.#elapse(period);
				if (step.seconds >= grace.nap) this.#wake();
				return this.#look();
		}
	}

	async #add({priority, attempts, after, parent, delay}: Extract<Step, {kind: 'add'}>): Promise<void> {
		const tasks = [...this.#rows.values()];
		const pick = (which: number | null): TaskRow | undefined =>
			which === null ? undefined : tasks[which % tasks.length];
		const needed = pick(after);
		const plan = pick(parent);
		const id = Number((await this.#as(owner, `select last_value + is_called::int as id from tasks_id_seq`))[0]?.['id']);
		const args = [priority, attempts, needed === undefined ? '{}' : `{${needed.id}}`, plan?.id ?? null, delay];
		const sql = `select id from task_add('x', p_priority => $1, p_max_attempts => $2, p_depends_on => $3::bigint[], p_parent_id => $4,
			p_run_at => case when $5::int > 0 then clock_timestamp() + make_interval(secs => $5::int) end)`;
		const code = await this.#as(agent('A'), sql, args).then(
			() => null,
			(error: {code?: string}) => error.code ?? 'no code',
		);
		const ended = [needed, plan].some(
			task => task !== undefined && ['failed', 'dead', 'cancelled'].includes(task.status),
		);
		if (code === null) {
			this.#check(!ended && (plan === undefined || open(plan.status)), 'a task was added to what has ended');
			this.#check(
				plan === undefined || needed === undefined || !this.#waits_for(needed.id, plan.id),
				'a circle was closed',
			);
			if (delay > 0) this.#waits.set(id, {from: this.#now + delay, until: this.#now + delay, backoff: null});
		} else if (code === '22023') {
			this.#check(
				plan !== undefined && needed !== undefined && this.#waits_for(needed.id, plan.id),
				'no circle, and refused',
			);
		} else {
			this.#check(code === '55000' && (ended || plan?.status === 'done'), `refused with ${code}`);
		}
		await this.#settle();
	}

	/** Whether one task waits for another, along what is open. */
	#waits_for(from: number, to: number): boolean {
		const seen = new Set<number>();
		const visit = (id: number): boolean => {
			const task = this.#rows.get(id);
			if (task === undefined || seen.has(id) || !open(task.status)) return false;
			if (id === to) return true;
			seen.add(id);
			const waits = task.status === 'queued' ? task.depends_on : [];
			const below = [...this.#rows.values()].filter(({parent_id}) => parent_id === id).map(step => step.id);
			return [...waits, ...below].some(visit);
		};
		return visit(from);
	}

	async #claim(worker: number, lease: number): Promise<void> {
		const before = this.#rows;
		const [found] = await this.#as(
			agent(`W${worker}`),
			'select id, lease_token, attempts from task_claim(p_lease => $1)',
			[lease],
		);
		const rows = await this.#read();
		// The claim looked at the leases first.
		this.#reaped(before, rows, found?.['id'] as number | undefined);
		const candidates = [...rows.values()]
			.filter(task => task.status === 'queued' || task.id === found?.['id'])
			.filter(({id}) => ![...rows.values()].some(({parent_id}) => parent_id === id))
			.filter(({depends_on}) => depends_on.every(id => rows.get(id)?.status === 'done'))
			.sort((one, other) => other.priority - one.priority || one.id - other.id);
		const sure = candidates.find(({id}) => this.#due(id) === 'yes');
		if (found === undefined) {
			this.#check(sure === undefined, `task ${sure?.id} was due, and not claimed`);
			this.#rows = rows;
			return this.#look();
		}
		const id = Number(found['id']);
		const taken = rows.get(id);
		if (taken === undefined) throw new Error('the claimed task is not there');
		this.#check(candidates.includes(taken), `task ${id} was claimed and waits for others`);
		this.#check(this.#due(id) !== 'no', `task ${id} was claimed before its time`);
		this.#check(
			sure === undefined || candidates.indexOf(taken) <= candidates.indexOf(sure),
			`task ${id} was claimed before ${sure?.id}`,
		);
		this.#check(taken.lease_token === (before.get(id)?.lease_token ?? 0) + 1, 'a token was used twice');
		// What it took from an owner who had gone away was no attempt of that one's.
		const former = before.get(id);
		const lost = former?.status === 'running' && this.#isAway(former.lease_owner) ? 1 : 0;
		const attempts = (this.#attempts.get(id) ?? 0) + 1 - lost;
		this.#attempts.set(id, attempts);
		this.#check(
			taken.attempts === attempts,
			`task ${id} counts ${taken.attempts} attempts, and it is claim ${attempts}`,
		);
		for (const claim of this.#claims) if (claim.id === id && claim.ended === 'open') claim.ended = 'stopped';
		this.#claims.push({
			id,
			token: taken.lease_token,
			worker,
			result: ++this.#results,
			left: lease,
			ended: 'open',
		});
		this.#waits.delete(id);
		this.#rows = rows;
		// The hub is there, and looks at once.
		await this.#look();
	}

	/** Seconds by which a server's own clock may have gone on. */
	get #slack(): number {
		return this.#started === null ? 0 : (performance.now() - this.#started) / 1000 + 1;
	}

	/** Whether a queued task may be claimed by now. */
	#due(id: number): 'yes' | 'no' | 'maybe' {
		const wait = this.#waits.get(id);
		if (wait === undefined || this.#now >= wait.until) return 'yes';
		// A server's clock goes on by itself.
		const slack = this.#slack;
		if (wait.backoff === null) return this.#now + slack < wait.from ? 'no' : 'maybe';
		const longest = 1.5 * wait.backoff;
		if (wait.from - this.#now > longest + slack) return 'yes';
		return this.#now + slack < wait.from && wait.until - this.#now <= longest ? 'no' : 'maybe';
	}

	/** The newest claim of its task, which has neither ended nor been stopped. */
	#holds({id, token, ended}: Claim): boolean {
		const task = this.#rows.get(id);
		return ended === 'open' && task?.lease_token === token && ['queued', 'running', 'dead'].includes(task.status);
	}

	async #goOn(claim: Claim, lease: number | null): Promise<void> {
		const holds = this.#holds(claim);
		const before = this.#rows;
		const sql =
			lease === null
				? 'select id, attempts, status from task_progress($1, $2, 0.5)'
				: 'select id, attempts, status from task_heartbeat($1, $2, $3)';
		const args = lease === null ? [claim.id, claim.token] : [claim.id, claim.token, lease];
		const [row] = await this.#as(agent(`W${claim.worker}`), sql, args);
		this.#check(
			(row !== undefined) === holds,
			holds ? `claim ${claim.token} of task ${claim.id} was refused` : 'a zombie won',
		);
		if (row === undefined) {
			this.#same(before, await this.#read(), 'a zombie changed something');
			return;
		}
		this.#countAgain(claim);
		this.#check(
			row['status'] === 'running' && row['attempts'] === this.#attempts.get(claim.id),
			'going on counted as an attempt',
		);
		const wasRunning = before.get(claim.id)?.status === 'running';
		if (lease !== null) claim.left = lease;
		else if (!wasRunning) claim.left = 60;
		this.#waits.delete(claim.id);
		await this.#settle();
	}

	#countAgain(claim: Claim): void {
		if (this.#uncounted.delete(claim)) this.#attempts.set(claim.id, (this.#attempts.get(claim.id) ?? 0) + 1);
	}

	async #finish(claim: Claim, ok: boolean, twice: boolean): Promise<void> {
		const {id, token, worker, result} = claim;
		const holds = this.#holds(claim);
		const before = this.#rows;
		const sql = `select id, status, result from task_finish($1, $2, $3, p_result => $4::jsonb)`;
		const finish = (value: number): Promise<Row[] | 'refused'> =>
			this.#as(agent(`W${worker}`), sql, [id, token, ok, JSON.stringify(value)]).catch((error: {code?: string}) => {
				if (error.code !== '55000') throw error;
				return 'refused' as const;
			});
		const answer = await finish(result);
		const accepted = answer !== 'refused' && answer.length === 1;
		if (!holds) {
			const isNewest = this.#rows.get(id)?.lease_token === token;
			const isSame = isNewest && claim.ended === (ok ? 'ok' : 'failed');
			this.#check(accepted === isSame, isSame ? 'finishing again was refused' : 'a zombie won');
			this.#same(before, await this.#read(), 'a finish that is none changed something');
			return;
		}
		this.#check(accepted, `claim ${token} of task ${id} was not finished`);
		claim.ended = ok ? 'ok' : 'failed';
		this.#countAgain(claim);
		const attempts = this.#attempts.get(id) ?? 0;
		if (!ok) {
			const backoff = 2 ** attempts;
			this.#waits.set(id, {from: this.#now + 0.5 * backoff, until: this.#now + 1.5 * backoff, backoff});
		}
		await this.#settle();
		if (!twice) return;
		const after = this.#rows;
		const again = await finish(result);
		this.#check(isDeepStrictEqual(again, answer), 'finishing twice answered differently');
		this.#check((await finish(-1)) === 'refused', 'another outcome was accepted');
		this.#same(after, await this.#read(), 'finishing twice changed something');
	}

	async #byHand(kind: 'cancel' | 'retry', which: number): Promise<void> {
		const tasks = [...this.#rows.values()];
		const task = tasks[which % Math.max(1, tasks.length)];
		if (task === undefined) return;
		await this.#as(human(), `select id from task_${kind}($1)`, [task.id]).catch((error: {code?: string}) => {
			if (error.code !== '55000') throw error;
		});
		await this.#settle();
	}

	/** Time that the hub watches. */
	async #watched(seconds: number): Promise<void> {
		await this.#clock.step(seconds);
		this.#now += seconds;
		this.#elapse(seconds);
		await this.#look();
	}

	/** After a nap, owners that have not signed off have some time to be heard. */
	#wake(): void {
		for (const claim of this.#claims) {
			const task = this.#rows.get(claim.id);
			const isHeld = task?.status === 'running' && task.lease_token === claim.token;
			if (isHeld && !this.#isAway(task.lease_owner)) claim.left = Math.max(claim.left, grace.left);
		}
	}

	#elapse(seconds: number): void {
		for (const claim of this.#claims) claim.left -= seconds;
	}

	async #look(): Promise<void> {
		const before = this.#rows;
		await this.#as(owner, `select agentmux.reap('${period} seconds')`);
		const rows = await this.#read();
		this.#reaped(before, rows);
		this.#rows = rows;
	}

	/** Between the two only leases ran out, those that had to. What died took with it what waits for it. */
	#reaped(before: ReadonlyMap<number, TaskRow>, rows: ReadonlyMap<number, TaskRow>, claimed?: number): void {
		for (const {id, status, lease_token, attempts} of before.values()) {
			const now = rows.get(id);
			if (now === undefined || id === claimed) continue;
			if (status !== 'running') {
				const fell = ['cancelled', 'failed'].includes(now.status) && status === 'queued';
				this.#check(now.status === status || fell, `task ${id} went from ${status} to ${now.status} by itself`);
				if (now.status === 'cancelled' && status !== 'cancelled') this.#stop(id);
				continue;
			}
			const claim = this.#claims.find(each => each.id === id && each.token === lease_token);
			if (claim === undefined) continue;
			const lost = now.status !== 'running';
			const lives = this.#lives(claim.worker);
			if (lost) {
				const least = lives === 'yes' ? -life.keep : 0;
				this.#check(
					claim.left - this.#slack < least,
					`task ${id} was taken from its owner, who ${lives === 'yes' ? 'lives and ' : ''}had ${claim.left} s left`,
				);
				const isAway = this.#signs.get(claim.worker) === null;
				this.#check(now.attempts === attempts - Number(isAway), `losing task ${id} changed its attempts`);
				if (isAway) {
					this.#attempts.set(id, now.attempts);
					this.#uncounted.add(claim);
				}
			} else {
				this.#check(
					claim.left + this.#slack >= (lives === 'no' ? 0 : -life.keep),
					`the lease of task ${id} ran out ${-claim.left} s ago, and it is held`,
				);
			}
		}
	}

	/** Whether the client of a worker counts as alive: it has given a sign of life, by a clock that may have been set since. */
	#lives(worker: number): 'yes' | 'no' | 'maybe' {
		const at = this.#signs.get(worker) ?? null;
		if (at === null) return 'no';
		const age = this.#now - at;
		if (age + this.#slack < life.sign) return 'yes';
		return age > life.sign ? 'no' : 'maybe';
	}

	#isAway(owner: string | null): boolean {
		return owner !== null && this.#signs.get(Number(owner.slice(1))) === null;
	}

	async #touch(worker: number, lives: boolean): Promise<void> {
		await this.#as(agent(`W${worker}`), 'select agent_touch($1, null, $2)', [lives ? 'working' : 'away', 'session']);
		this.#signs.set(worker, lives ? this.#now : null);
		if (!lives) {
			for (const claim of this.#claims) {
				const task = this.#rows.get(claim.id);
				const holds = claim.worker === worker && task?.status === 'running' && task.lease_token === claim.token;
				if (holds) claim.left = Math.min(claim.left, farewell);
			}
		}
		await this.#settle();
	}

	#stop(id: number): void {
		for (const claim of this.#claims) if (claim.id === id && claim.ended === 'open') claim.ended = 'stopped';
	}

	/** Reads the tasks after a step, and checks the invariants. */
	async #settle(): Promise<void> {
		const before = this.#rows;
		const rows = await this.#read();
		for (const [id, now] of rows) {
			const was = before.get(id);
			if (now.status === 'cancelled') this.#stop(id);
			if (was === undefined) this.#attempts.set(id, 0);
			// Tried again by somebody, or with what it waits for.
			else if (now.attempts === 0 && was.attempts > 0) this.#attempts.set(id, 0);
			if (now.status === 'queued' && was !== undefined && !open(was.status)) this.#waits.delete(id);
			this.#check(now.attempts === this.#attempts.get(id), `task ${id} counts ${now.attempts} attempts`);
		}
		this.#rows = rows;
	}

	#same(before: ReadonlyMap<number, TaskRow>, after: ReadonlyMap<number, TaskRow>, fault: string): void {
		const plain = (rows: ReadonlyMap<number, TaskRow>) => [...rows.values()].map(row => ({...row, left: null}));
		this.#check(isDeepStrictEqual(plain(before), plain(after)), fault);
	}

	async #read(): Promise<Map<number, TaskRow>> {
		const rows = await this.#as(
			owner,
			`select id, status, priority, attempts, lease_owner, lease_token, parent_id, depends_on::text[] as depends_on, result,
				extract(epoch from lease_until - clock_timestamp())::float8 as left from tasks order by id`,
		);
		const found = new Map<number, TaskRow>();
		for (const row of rows as unknown as TaskRow[]) {
			found.set(row.id, {...row, depends_on: row.depends_on.map(Number)});
			const was = this.#rows.get(row.id);
			const isPlan = rows.some(each => each['parent_id'] === row.id);
			// Accepted once and for all.
			if (was?.status === 'done' && !isPlan) {
				this.#check(
					row.status === 'done' && isDeepStrictEqual(row.result, was.result),
					`task ${row.id} was done, and is not`,
				);
			}
			this.#check(row.left === null || row.left <= grace.left + 0.001 + this.#slack, `a lease lasts ${row.left} s`);
		}
		return found;
	}

	async #as(caller: Caller, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
		return this.#database.as(caller, sql, values);
	}

	#check(holds: boolean, fault: string): void {
		if (!holds) throw new Error(fault);
	}
}
