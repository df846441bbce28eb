import type {Presence} from './agent.ts';
import type {Tag} from './tag.ts';
import type {TaskStatus} from './task.ts';

/** `gone`: nothing was heard of it for too long. `revoked`: it may not take part. */
export type AgentState = Presence | 'gone' | 'revoked';

interface Change {
	/** 0 for one that was heard and not read. */
	readonly id: number;
	/** ISO 8601, as PostgREST prints a timestamptz. */
	readonly at: string;
}

export interface TaskChange extends Change {
	readonly kind: 'task';
	readonly task_id: number;
	/** Its owner; after its end who owned it. */
	readonly tag: Tag | null;
	readonly state: TaskStatus;
	/** 0 to 1. */
	readonly progress: number;
}

export interface PresenceChange extends Change {
	readonly kind: 'presence';
	readonly tag: Tag;
	readonly state: AgentState;
}

/** One row of `events`: how a task or an agent stood from then on. */
export type StateChange = TaskChange | PresenceChange;

/** A range of time, and which page of what changed in it. */
export interface ChangeQuery {
	/** ISO 8601: not before. */
	readonly from: string;
	/** ISO 8601: before that. */
	readonly to?: string;
	/** The next older page: what comes before this change. Takes the place of `to`. */
	readonly before?: Pick<Change, 'id' | 'at'>;
	/** At most this many (1 to 1,000; 1,000 when absent). */
	readonly limit?: number;
}
