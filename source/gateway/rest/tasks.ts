import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {ClaimRenewal, PlanDraft, Task, TaskOutcome} from '../../mailbox/task.ts';
import type {Arguments, Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readAttempt, readTask} from './rows.ts';

type Tasks = Mailbox['tasks'];

/** Functions that return the task that they changed. */
type Change =
	| 'task_progress'
	| 'task_heartbeat'
	| 'task_finish'
	| 'task_cancel'
	| 'task_retry'
	| 'task_assign'
	| 'task_reprioritise';

/** `tasks` of the Mailbox. Each method calls one function of the database. */
export function createTasks(requests: Requests): Mailbox['tasks'] {
	async function find(id: number): Promise<Task | undefined> {
		return rows(readTask, await requests.request(client => client.from('tasks').select().eq('id', id)))[0];
	}

	/** Calls such a function. It returns no row when the task's status does not allow the change any more. */
	async function change<Name extends Change>(
		name: Name,
		args: Arguments<Name> & {readonly p_id: number},
		{late = 'Too late', ...options}: {readonly twice?: boolean; readonly late?: string} = {},
	): Promise<Task> {
		const id = args.p_id;
		const [task] = rows(readTask, await requests.rpc(name, args, options));
		if (task !== undefined) return task;
		const now = await find(id);
		if (now === undefined) throw new MailboxError('not_found', `There is no task ${id}.`, 'See `agentmux tasks list`.');
		const leased = now.lease_owner === null ? '' : ` and leased to ${now.lease_owner}`;
		throw new MailboxError('conflict', `${late}: task ${id} is ${now.status}${leased}.`);
	}

	/**
	 * Lets the database end expired leases and offer what is ready, so that a list shows the current status: on a hosted project nothing
	 * else does so. A database that accepts no writes at the moment is still read.
	 */
	async function endLeases(): Promise<void> {
		try {
			await requests.rpc('task_reap', {});
		} catch (error) {
			if (error instanceof MailboxError && error.code === 'offline') throw error;
		}
	}

	const heartbeat: Tasks['heartbeat'] = (id, token, lease = 60) =>
		change('task_heartbeat', {p_id: id, p_token: token, p_lease: lease});

	return {
		async list({ids, parents, status, queue, owner, limit = 200} = {}) {
			await endLeases();
			return requests.table(readTask, client => {
				let query = client.from('tasks').select();
				if (ids !== undefined) query = query.in('id', ids);
				if (parents !== undefined) query = query.in('parent_id', parents);
				if (status !== undefined) query = query.in('status', status);
				if (queue !== undefined) query = query.eq('queue', queue);
				// Ignores case. An unescaped `_` would match any character.
				if (owner !== undefined) query = query.ilike('lease_owner', owner.replaceAll('_', '\\_'));
				return query.order('updated_at', {ascending: false}).order('id', {ascending: false}).limit(limit);
			});
		},

		async add(draft) {
			const args = {
				...commonArguments(draft),
				p_max_attempts: draft.max_attempts ?? 5,
				p_run_at: draft.run_at ?? null,
			};
			const [task] = rows(readTask, await requests.rpc('task_add', args, {twice: draft.idem_key !== undefined}));
			if (task === undefined) throw new MailboxError('internal', 'task_add answered without a row.');
			return task;
		},

		async plan(draft, steps, inOrder) {
			const args = {...commonArguments(draft), p_steps: steps.map(step => ({...step})), p_in_order: inOrder};
			return rows(readTask, await requests.rpc('task_plan', args, {twice: draft.idem_key !== undefined}));
		},

		async claim({queue, lease = 60, id, hold} = {}) {
			const args = {p_queue: queue ?? null, p_lease: lease, p_id: id ?? null, p_hold: hold ?? null};
			return rows(readTask, await requests.rpc('task_claim', args, {twice: false}))[0] ?? null;
		},

		attempts: async id => rows(readAttempt, await requests.rpc('task_attempts', {p_id: id})),

		tend: endLeases,

		progress: (id, token, progress, note) =>
			change('task_progress', {p_id: id, p_token: token, p_progress: progress, p_note: note ?? null}),

		heartbeat,

		renew: renewal(requests, {heartbeat, tend: endLeases}),

		finish: (id, token, outcome) => change('task_finish', {p_id: id, p_token: token, ...finishArguments(outcome)}),

		cancel: (id, reason) => change('task_cancel', {p_id: id, p_reason: reason ?? null}, {twice: false}),

		retry(id, reason) {
			const late = 'Only failed, dead and cancelled tasks can be retried';
			return change('task_retry', {p_id: id, p_reason: reason ?? null}, {twice: false, late});
		},

		assign: (id, assignee) =>
			change('task_assign', {p_id: id, p_assignee: assignee}, {late: 'Only queued tasks can be assigned'}),

		prioritise: (id, priority) =>
			change('task_reprioritise', {p_id: id, p_priority: priority}, {late: 'Only open tasks have a priority'}),
	};
}

/** `renew`. A database of an earlier version does not have it, and so no bound: there each claim is renewed by itself. */
function renewal(requests: Requests, {heartbeat, tend}: Pick<Tasks, 'heartbeat' | 'tend'>): Tasks['renew'] {
	async function renewEach(claims: readonly ClaimRenewal[]): Promise<number[]> {
		const valid: number[] = [];
		for (const {id, token, lease} of claims) {
			try {
				await heartbeat(id, token, lease);
				valid.push(id);
			} catch (error) {
				const isOver = error instanceof MailboxError && ['conflict', 'not_found'].includes(error.code);
				if (!isOver) throw error;
			}
		}
		await tend();
		return valid;
	}

	return (claims, others) =>
		requests.newer(
			'task_renew',
			async () => {
				const args = {p_claims: claims.map(claim => ({...claim})), p_others: others ?? null};
				return idsIn(await requests.rpc('task_renew', args));
			},
			() => renewEach(claims),
		);
}

function idsIn(answer: unknown): number[] {
	if (Array.isArray(answer) && answer.every(id => typeof id === 'number')) return answer;
	throw new MailboxError('internal', 'task_renew answered without a list.');
}

function finishArguments({ok, dead = false, result, result_table, error}: TaskOutcome) {
	return {
		p_ok: ok,
		p_result: result ?? null,
		p_result_table: result_table ?? null,
		p_error: error ?? null,
		p_dead: dead,
	};
}

/** The arguments that a task and a plan have in common. */
function commonArguments(draft: PlanDraft) {
	return {
		p_title: draft.title,
		p_body: draft.body ?? '',
		p_queue: draft.queue ?? null,
		p_priority: draft.priority ?? 0,
		p_parent_id: draft.parent_id ?? null,
		p_position: draft.position ?? 0,
		p_depends_on: draft.depends_on ?? [],
		p_idem_key: draft.idem_key ?? null,
		p_message_id: draft.message_id ?? null,
		p_assignee: draft.assignee ?? null,
	};
}
