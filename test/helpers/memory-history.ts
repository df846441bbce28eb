import {presenceOf, type Agent} from '../../source/mailbox/agent.ts';
import {foldTag} from '../../source/mailbox/tag.ts';
import type {ChangeQuery, StateChange} from '../../source/mailbox/state-change.ts';
import type {Task} from '../../source/mailbox/task.ts';

const silence = 5 * 60_000;

/** The table `events` and its triggers, in memory. Progress is written each time. */
export class MemoryHistory {
	readonly #rows: StateChange[] = [];
	readonly #tasks = new Map<number, Task>();

	task(task: Task): void {
		const known = this.#tasks.get(task.id);
		this.#tasks.set(task.id, task);
		const same =
			known?.status === task.status && known.lease_owner === task.lease_owner && known.progress === task.progress;
		if (same) return;
		const tag = task.lease_owner ?? known?.lease_owner ?? null;
		const {id: task_id, status: state, progress, updated_at: at} = task;
		this.#rows.push({id: this.#rows.length + 1, kind: 'task', at, task_id, tag, state, progress});
	}

	/** `now`: ISO 8601, if more than the heartbeat changed. */
	agent(known: Agent | undefined, agent: Agent, now: string): void {
		const {tag} = agent;
		const write = (at: string, state: Agent['presence'] | 'gone' | 'revoked') =>
			this.#rows.push({id: this.#rows.length + 1, kind: 'presence', at, tag, state});
		let at = agent.last_seen_at ?? now;
		if (known !== undefined) {
			const seen = Date.parse(known.last_seen_at ?? known.joined_at);
			const wasRevoked = known.revoked_at !== null;
			if (known.last_seen_at === agent.last_seen_at) at = now;
			else if (!wasRevoked && presenceOf(known, Date.parse(at)) === 'gone') {
				write(new Date(seen + silence).toISOString(), 'gone');
			} else if (known.presence === agent.presence && wasRevoked === (agent.revoked_at !== null)) return;
		}
		write(at, agent.revoked_at === null ? presenceOf(agent, Date.parse(at)) : 'revoked');
	}

	between({from, to, before, limit = 1000}: ChangeQuery): StateChange[] {
		const sorted = this.#rows.toSorted((one, other) => order(one, other));
		const inRange = sorted.filter(row => {
			if (Date.parse(row.at) < Date.parse(from)) return false;
			if (before !== undefined) return order(row, before) < 0;
			return to === undefined || Date.parse(row.at) < Date.parse(to);
		});
		if (inRange.length >= limit) return inRange.slice(-limit);
		const last = new Map<string, StateChange>();
		for (const row of sorted) {
			if (Date.parse(row.at) >= Date.parse(from)) break;
			last.set(row.kind === 'task' ? String(row.task_id) : foldTag(row.tag), row);
		}
		const standing = [...last.values()].filter(
			row => row.kind === 'presence' || Date.parse(this.#tasks.get(row.task_id)?.updated_at ?? '') >= Date.parse(from),
		);
		return [...standing.sort(order), ...inRange];
	}
}

function order(one: Pick<StateChange, 'at' | 'id'>, other: Pick<StateChange, 'at' | 'id'>): number {
	return Date.parse(one.at) - Date.parse(other.at) || one.id - other.id;
}
