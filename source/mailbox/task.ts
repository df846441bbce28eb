import type {Json} from './json.ts';
import type {Tag} from './tag.ts';

export const taskStatuses = ['queued', 'running', 'done', 'failed', 'dead', 'cancelled'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** One row of `tasks`, with the columns' own names. */
export interface Task {
	readonly id: number;
	readonly queue: string;
	readonly title: string;
	readonly body: string;
	readonly status: TaskStatus;
	/** Higher goes first. */
	readonly priority: number;
	/** ISO 8601; it cannot be claimed before. Null: immediately. */
	readonly run_at: string | null;
	readonly attempts: number;
	readonly max_attempts: number;
	readonly lease_owner: Tag | null;
	/** Counts claims. Required by finish and heartbeat, so that a former owner is refused. */
	readonly lease_token: number;
	readonly lease_until: string | null;
	readonly parent_id: number | null;
	/** Order among the steps of one parent. */
	readonly position: number;
	/** 0 to 1. */
	readonly progress: number;
	/** Its owner's last progress note. */
	readonly note: string | null;
	readonly depends_on: readonly number[];
	readonly idem_key: string | null;
	readonly result: Json;
	readonly result_table: string | null;
	readonly last_error: string | null;
	/** The message that asked for it. */
	readonly message_id: number | null;
	/** The only tag that may claim it; null if anyone may. */
	readonly assignee: Tag | null;
	/** Who added it, from the verified token; null for plain SQL. */
	readonly created_by: Tag | null;
	readonly created_at: string;
	readonly updated_at: string;
}

export interface TaskDraft {
	readonly title: string;
	readonly body?: string;
	readonly queue?: string;
	readonly priority?: number;
	readonly parent_id?: number | null;
	readonly position?: number;
	readonly depends_on?: readonly number[];
	readonly max_attempts?: number;
	/** ISO 8601; it cannot be claimed before. */
	readonly run_at?: string;
	/** If the queue already has a task with this key, that task is returned. */
	readonly idem_key?: string;
	readonly message_id?: number | null;
	/** The only tag that may claim it. */
	readonly assignee?: Tag;
}

/** A task that consists of steps, and is never claimed itself. An assignee is that of all steps. */
export type PlanDraft = Omit<TaskDraft, 'max_attempts' | 'run_at'>;

/** One step of a plan; it has the queue and the priority of the plan. */
export interface StepDraft {
	readonly title: string;
	readonly body?: string;
}

export interface TaskFilter {
	/** Only these tasks. */
	readonly ids?: readonly number[];
	/** Only steps of these tasks. */
	readonly parents?: readonly number[];
	readonly status?: readonly TaskStatus[];
	readonly queue?: string;
	readonly owner?: Tag;
	/** Maximum number, most recently changed first; default 200. */
	readonly limit?: number;
}

export interface TaskClaim {
	/** Without it, `default` and the queues in which the identity claimed before. */
	readonly queue?: string;
	/** Seconds; capped by the database at an hour. */
	readonly lease?: number;
	/** Claims a particular task instead of the next one. */
	readonly id?: number;
	/** No next task is claimed if the identity holds that many. */
	readonly hold?: number;
}

/** A claim that is to be renewed. */
export interface ClaimRenewal {
	readonly id: number;
	readonly token: number;
	/** Seconds from now on. */
	readonly lease: number;
}

/** One attempt at a task. */
export interface TaskAttempt {
	/** Counted from 1. */
	readonly attempt: number;
	readonly owner: Tag | null;
	readonly begun_at: string;
	/** Null while it is going on. */
	readonly ended_at: string | null;
	/** The status with which it ended. */
	readonly outcome: TaskStatus | null;
	/** How far it came; 0 to 1. */
	readonly progress: number;
	readonly reason: string | null;
}

export interface TaskOutcome {
	readonly ok: boolean;
	/** It failed for good, and is not tried again. */
	readonly dead?: boolean;
	readonly result?: Json;
	readonly result_table?: string;
	readonly error?: string;
}

/** Milliseconds from `now` (since 1970) until a task may be claimed; 0 if it need not wait. */
export function waitOf({run_at}: Pick<Task, 'run_at'>, now: number): number {
	return run_at === null ? 0 : Math.max(0, Date.parse(run_at) - now);
}

/** When a task became ready that is: it was added or queued again, or the last that it depends on ended. Milliseconds since 1970. */
export function readySince({updated_at, depends_on}: Task, taskOf: (id: number) => Task | undefined): number {
	return Math.max(...[updated_at, ...depends_on.map(id => taskOf(id)?.updated_at ?? updated_at)].map(Date.parse));
}

/** Why a queued task can never run, `blocked for ever: …` in the database's words; null for any other. */
export function blockedForEver({status, last_error}: Pick<Task, 'status' | 'last_error'>): string | null {
	return status === 'queued' && last_error?.startsWith('blocked for ever: ') === true ? last_error : null;
}
