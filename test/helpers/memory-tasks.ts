import {isDeepStrictEqual} from 'node:util';
import type {Identity} from '../../source/mailbox/agent.ts';
import {MailboxError} from '../../source/mailbox/error.ts';
import {foldTag, sameTag, type Tag} from '../../source/mailbox/tag.ts';
import type {
	ClaimRenewal,
	PlanDraft,
	StepDraft,
	Task,
	TaskAttempt,
	TaskClaim,
	TaskDraft,
	TaskFilter,
	TaskOutcome,
} from '../../source/mailbox/task.ts';

/** The table `tasks` and its RPCs, in memory. */
export class MemoryTasks {
	readonly rows: Task[] = [];
	readonly #attempts = new Map<number, TaskAttempt[]>();
	/** The queues in which each agent claimed, by tag in upper case. */
	readonly #queues = new Map<string, Set<string>>();
	/** The newest claim of each task. */
	readonly #claims = new Map<number, {owner: Tag; lapsed: boolean; outcome: TaskOutcome | null}>();
	readonly #announce: (tasks: Task[]) => void;

	readonly #clock: () => number;

	constructor(announce: (tasks: Task[]) => void, clock: () => number = Date.now) {
		this.#announce = announce;
		this.#clock = clock;
	}

	list({ids, parents, status, queue, owner, limit = 200}: TaskFilter): Task[] {
		return this.rows
			.filter(({id}) => ids === undefined || ids.includes(id))
			.filter(({parent_id}) => parents === undefined || (parent_id !== null && parents.includes(parent_id)))
			.filter(task => status === undefined || status.includes(task.status))
			.filter(task => queue === undefined || task.queue === queue)
			.filter(task => owner === undefined || (task.lease_owner !== null && sameTag(task.lease_owner, owner)))
			.sort((one, other) => other.updated_at.localeCompare(one.updated_at) || other.id - one.id)
			.slice(0, limit);
	}

	add(draft: TaskDraft, created_by: Tag): Task {
		const queue = draft.queue ?? this.rows.find(({id}) => id === draft.parent_id)?.queue ?? 'default';
		const same = this.rows.find(
			({idem_key, queue: other}) => idem_key !== null && idem_key === draft.idem_key && other === queue,
		);
		if (same !== undefined) return same;
		if (draft.title === '') throw new MailboxError('invalid', 'A task needs a title.');
		const now = this.#now();
		return this.#write({
			id: this.rows.length + 1,
			queue,
			title: draft.title,
			body: draft.body ?? '',
			status: 'queued',
			priority: draft.priority ?? 0,
			run_at: draft.run_at === undefined || draft.run_at <= now ? null : draft.run_at,
			attempts: 0,
			max_attempts: draft.max_attempts ?? 5,
			lease_owner: null,
			lease_token: 0,
			lease_until: null,
			parent_id: draft.parent_id ?? null,
			position: draft.position ?? 0,
			progress: 0,
			note: null,
			depends_on: draft.depends_on ?? [],
			idem_key: draft.idem_key ?? null,
			result: null,
			result_table: null,
			last_error: null,
			message_id: draft.message_id ?? null,
			assignee: draft.assignee ?? this.rows.find(({id}) => id === draft.parent_id)?.assignee ?? null,
			created_by,
			created_at: now,
			updated_at: now,
		});
	}

	plan(draft: PlanDraft, steps: readonly StepDraft[], inOrder: boolean, created_by: Tag): Task[] {
		const heading = this.add(draft, created_by);
		const stepsOf = () => this.rows.filter(({parent_id}) => parent_id === heading.id);
		if (stepsOf().length > 0) return [heading, ...stepsOf()];
		let depends_on = heading.depends_on;
		const {queue, priority, message_id} = heading;
		for (const [index, step] of steps.entries()) {
			const parent_id = heading.id;
			const added = this.add(
				{...step, queue, priority, message_id, parent_id, position: index + 1, depends_on},
				created_by,
			);
			if (inOrder) depends_on = [added.id];
		}
		return [heading, ...stepsOf()];
	}

	claim({queue, lease = 60, id, hold = Infinity}: TaskClaim, owner: Tag): Task | null {
		const now = this.#now();
		const known = this.#queues.get(foldTag(owner)) ?? new Set(['default']);
		this.#queues.set(foldTag(owner), queue === undefined ? known : known.add(queue));
		const isMine = ({assignee}: Task): boolean => assignee !== null && sameTag(assignee, owner);
		if (id === undefined && this.list({owner, status: ['running']}).length >= hold) return null;
		const [next] = this.rows
			.filter(task => task.status === 'queued' && (task.run_at ?? now) <= now)
			.filter(task =>
				id === undefined
					? isMine(task) || (queue === undefined ? known.has(task.queue) : task.queue === queue)
					: task.id === id,
			)
			.filter(task => task.assignee === null || isMine(task))
			.filter(task => !this.rows.some(({parent_id}) => parent_id === task.id))
			.filter(task => task.depends_on.every(other => this.rows[other - 1]?.status === 'done'))
			.sort(
				(one, other) =>
					Number(isMine(other)) - Number(isMine(one)) || other.priority - one.priority || one.id - other.id,
			);
		if (next === undefined) return null;
		this.#claims.set(next.id, {owner, lapsed: false, outcome: null});
		const before = this.attempts(next.id);
		const attempt = {
			attempt: before.length + 1,
			owner,
			begun_at: now,
			ended_at: null,
			outcome: null,
			progress: 0,
			reason: null,
		};
		this.#attempts.set(next.id, [...before, attempt]);
		return this.#write({
			...next,
			status: 'running',
			attempts: next.attempts + 1,
			lease_owner: owner,
			lease_token: next.lease_token + 1,
			lease_until: this.#later(lease),
		});
	}

	attempts(id: number): TaskAttempt[] {
		return this.#attempts.get(id) ?? [];
	}

	heartbeat(id: number, token: number, owner: Tag, lease = 60): Task {
		return this.#write({...this.#held(id, token, owner), lease_until: this.#later(lease)});
	}

	/** Without the bound. */
	renew(claims: readonly ClaimRenewal[], owner: Tag, others?: number): number[] {
		const valid = claims.filter(({id, token, lease}) => {
			try {
				return this.heartbeat(id, token, owner, lease).id === id;
			} catch {
				return false;
			}
		});
		for (const task of this.list({owner, status: ['running']})) {
			if (others !== undefined && !valid.some(({id}) => id === task.id))
				this.#write({...task, lease_until: this.#later(others)});
		}
		this.reap();
		return valid.map(({id}) => id);
	}

	progress(id: number, token: number, owner: Tag, progress: number, note?: string): Task {
		const task = this.#held(id, token, owner);
		return this.#write({...task, progress, note: note ?? task.note});
	}

	finish(id: number, token: number, owner: Tag, outcome: TaskOutcome): Task {
		const {ok, dead = false, result, result_table, error} = outcome;
		const claim = this.#claims.get(id);
		const before = this.#task(id);
		if (claim !== undefined && claim.outcome !== null && before.lease_token === token && sameTag(claim.owner, owner)) {
			if (isDeepStrictEqual(claim.outcome, outcome)) return before;
			throw new MailboxError(
				'conflict',
				`Claim ${token} of task ${id} was already finished with a different outcome.`,
				'The first outcome stands.',
			);
		}
		const task = this.#held(id, token, owner);
		this.#claims.set(id, {owner, lapsed: false, outcome});
		const ended = ok ? 'done' : dead || task.attempts >= task.max_attempts ? 'dead' : 'queued';
		const attempts = this.attempts(id);
		const last = attempts.at(-1);
		if (last !== undefined) {
			const {progress} = task;
			const over = {...last, ended_at: this.#now(), outcome: ended, progress, reason: error ?? null} as const;
			this.#attempts.set(id, [...attempts.slice(0, -1), over]);
		}
		return this.#write({
			...task,
			status: ended,
			progress: ok ? 1 : task.progress,
			result: result ?? task.result,
			result_table: result_table ?? task.result_table,
			last_error: error ?? null,
			run_at: ended === 'queued' ? this.#later(2 ** task.attempts) : null,
			lease_owner: null,
			lease_until: null,
		});
	}

	cancel(id: number, who: Identity, reason?: string): Task {
		const task = this.#task(id);
		this.#guard(task, who, 'cancel');
		if (task.status !== 'queued' && task.status !== 'running') {
			throw new MailboxError('conflict', `Task ${id} is ${task.status} already.`);
		}
		const last_error = `cancelled by ${who.tag}${reason === undefined ? '' : `: ${reason}`}`;
		const ended = {status: 'cancelled', lease_owner: null, lease_until: null, last_error} as const;
		for (const step of this.#below(id)) if (isOpen(step)) this.#write({...step, ...ended});
		return this.#write({...task, ...ended});
	}

	retry(id: number, who: Identity): Task {
		const task = this.#task(id);
		this.#guard(task, who, 'retry');
		if (isOpen(task) || task.status === 'done') throw new MailboxError('conflict', `Task ${id} is ${task.status}.`);
		const lost = task.depends_on
			.map(other => this.#task(other))
			.find(other => !isOpen(other) && other.status !== 'done');
		if (lost !== undefined) {
			throw new MailboxError('conflict', `Task ${id} depends on task ${lost.id}, which is ${lost.status}.`);
		}
		const again = {status: 'queued', attempts: 0, run_at: null} as const;
		for (const step of this.#below(id)) {
			if (!isOpen(step) && step.status !== 'done') this.#write({...step, ...again});
		}
		for (let above = this.rows.find(row => row.id === task.parent_id); above !== undefined && !isOpen(above);) {
			this.#write({...above, ...again});
			const {parent_id} = above;
			above = this.rows.find(row => row.id === parent_id);
		}
		return this.#write({...task, ...again});
	}

	assign(id: number, assignee: Tag | null, who: Identity): Task {
		const task = this.#task(id);
		this.#guard(task, who, 'assign');
		if (task.status !== 'queued') throw new MailboxError('conflict', `Task ${id} is ${task.status}.`);
		for (const step of this.#below(id)) if (step.status === 'queued') this.#write({...step, assignee});
		return this.#write({...task, assignee});
	}

	prioritise(id: number, priority: number, who: Identity): Task {
		const task = this.#task(id);
		this.#guard(task, who, 'reprioritise');
		if (!isOpen(task)) throw new MailboxError('conflict', `Task ${id} is ${task.status}.`);
		for (const step of this.#below(id)) if (isOpen(step)) this.#write({...step, priority});
		return this.#write({...task, priority});
	}

	reap(): void {
		const now = this.#now();
		const expired = this.rows.filter(({status, lease_until}) => status === 'running' && (lease_until ?? now) < now);
		for (const task of expired) {
			const status = task.attempts >= task.max_attempts ? 'dead' : 'queued';
			this.#claims.set(task.id, {owner: task.lease_owner ?? '', lapsed: true, outcome: null});
			this.#write({...task, status, lease_owner: null, lease_until: null, last_error: 'lease expired'});
		}
	}

	/** Its author or a plan's above it, its owner, and humans. */
	#guard(task: Task, {tag, kind, verified}: Identity, doing: string): void {
		if (kind === 'human' || !verified) return;
		const owner = task.status === 'running' ? task.lease_owner : task.assignee;
		const allowed = [owner];
		for (let each: Task | undefined = task; each !== undefined;) {
			const {created_by, parent_id}: Task = each;
			allowed.push(created_by);
			each = this.rows.find(row => row.id === parent_id);
		}
		if (allowed.some(other => other !== null && sameTag(other, tag))) return;
		throw new MailboxError('forbidden', `You are ${tag} and may not ${doing} task ${task.id}.`);
	}

	/** All steps below a task, of every generation. */
	#below(id: number): Task[] {
		const steps = this.rows.filter(({parent_id}) => parent_id === id);
		return [...steps, ...steps.flatMap(step => this.#below(step.id))];
	}

	#task(id: number): Task {
		const task = this.rows[id - 1];
		if (task === undefined) throw new MailboxError('not_found', `There is no task ${id}.`);
		return task;
	}

	#held(id: number, token: number, owner: Tag): Task {
		let task = this.#task(id);
		const claim = this.#claims.get(id);
		const isBack = task.status === 'queued' || task.status === 'dead';
		if (isBack && claim?.lapsed === true && task.lease_token === token && sameTag(claim.owner, owner)) {
			this.#claims.set(id, {...claim, lapsed: false});
			task = {...task, status: 'running', lease_owner: claim.owner, lease_until: this.#later(60), last_error: null};
		}
		const held = task.status === 'running' && task.lease_token === token && sameTag(task.lease_owner ?? '', owner);
		if (!held) throw new MailboxError('conflict', `Task ${id} is no longer leased to ${owner}.`);
		return task;
	}

	#write(task: Task): Task {
		const written = {...task, updated_at: this.#now()};
		this.rows[task.id - 1] = written;
		this.#announce([written]);
		return written;
	}

	#now(): string {
		return new Date(this.#clock()).toISOString();
	}

	#later(seconds: number): string {
		return new Date(this.#clock() + seconds * 1000).toISOString();
	}
}

function isOpen({status}: Task): boolean {
	return status === 'queued' || status === 'running';
}
