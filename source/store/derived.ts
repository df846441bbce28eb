import {goneAt} from '../mailbox/agent.ts';
import type {PresenceChange, TaskChange} from '../mailbox/state-change.ts';
import type {State} from './state/state.ts';

/** The changes that the database records for tasks that are new or changed. Pure. */
export function derivedTasks(before: State['tasks'], after: State['tasks']): TaskChange[] {
	const changes: TaskChange[] = [];
	for (const task of after.values()) {
		const known = before.get(task.id);
		if (known === task) continue;
		const {id: task_id, status: state, lease_owner, progress, updated_at: at} = task;
		if (known?.status === state && known.lease_owner === lease_owner && known.progress === progress) continue;
		const tag = lease_owner ?? known?.lease_owner ?? null;
		changes.push({id: 0, kind: 'task', at, task_id, tag, state, progress});
	}
	return changes;
}

/** The changes that the database records for agents: their new presence, and before it that they had been gone. Pure. */
export function derivedAgents(before: State['agents'], after: State['agents']): PresenceChange[] {
	const changes: PresenceChange[] = [];
	for (const [key, agent] of after) {
		const known = before.get(key);
		if (known === agent) continue;
		const {tag, presence, revoked_at, joined_at} = agent;
		const at = revoked_at ?? agent.last_seen_at ?? joined_at;
		const gone = known === undefined || known.revoked_at !== null ? null : goneAt(known);
		const wasGone = gone !== null && gone < Date.parse(at);
		if (wasGone) changes.push({id: 0, kind: 'presence', at: new Date(gone).toISOString(), tag, state: 'gone'});
		const isSame = known?.presence === presence && known.revoked_at === revoked_at;
		if (!isSame || wasGone) {
			changes.push({id: 0, kind: 'presence', at, tag, state: revoked_at === null ? presence : 'revoked'});
		}
	}
	return changes;
}
