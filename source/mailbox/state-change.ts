import type {Presence} from './agent.ts';
import type {Tag} from './tag.ts';
import type {TaskStatus} from './task.ts';

/** `gone`: no sign of life for too long. `revoked`: its access was revoked. */
export type AgentState = Presence | 'gone' | 'revoked';

interface Change {
	/** 0 for a change that was derived from an event and not read from the database. */
	readonly id: number;
	/** ISO 8601, as PostgREST prints a timestamptz. */
	readonly at: string;
}

export interface TaskChange extends Change {
	readonly kind: 'task';
	readonly task_id: number;
	/** Its owner; after its end, its last owner. */
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

/** One row of `events`: the state of a task or an agent from then on. */
export type StateChange = TaskChange | PresenceChange;

/** One row of `events` about an agent: what became of its request for permission, or that it was paused or resumed. */
export interface ControlChange extends Change {
	readonly kind: 'approval' | 'pause';
	readonly approval_id: number | null;
	readonly tag: Tag;
	/** An approval's state, or `taken`: its client has the answer; `paused`, `resumed`. */
	readonly state: string;
	/** The tool that is asked for, or who decided and why. */
	readonly reason: string | null;
}

/** Selects a page of the changes in a period. */
export interface ChangeQuery {
	/** ISO 8601, inclusive. */
	readonly from: string;
	/** ISO 8601, exclusive. */
	readonly to?: string;
	/** Selects the next older page, before this change. Replaces `to`. */
	readonly before?: Pick<Change, 'id' | 'at'>;
	/** Maximum number (1 to 1,000, default 1,000). */
	readonly limit?: number;
}
