import {goneAt} from '../../mailbox/agent.ts';
import {unclaimedAt} from '../../mailbox/tasks/stall.ts';
import {statusOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {agentsPane, tasksPane, type PaneId} from '../model/pane-id.ts';
import {draftsOf} from '../model/draft.ts';
import type {DrawInput} from '../model/ui.ts';
import {sparklineChangesAt} from '../panes/header.ts';
import {hasHeader} from '../panes/paint.ts';
import {taskList} from '../panes/task-rows.ts';
import {leaseWarning} from '../panes/task-words.ts';
import type {Rect} from '../screen/grid.ts';
import {sameDuration} from '../settings/words.ts';

/*
 * When time alone changes what is shown, so that nothing is laid out again before. The moments may be too early, never too late: what
 * shows a time in a pane or in the top line belongs here. All are milliseconds since 1970; Infinity: never.
 */

/** When the lines of a pane that were made at `now` may become other ones, if nothing but the time changes. */
export function paneChangesAt(drawn: DrawInput, pane: PaneId, {width}: Rect): number {
	const {state, ui, now} = drawn;
	const moments = [nextDay(now), ...agentMoments(state)];
	if (pane === tasksPane) moments.push(...taskMoments(state, now), ...listedTaskMoments(state, now));
	else if (pane !== agentsPane) moments.push(state.receipts.leaseEndAfter(now));
	const next = firstAfter(now, moments);
	return hasHeader(layoutOf(ui), ui, pane) ? Math.min(next, sparklineChangesAt(drawn, pane, width)) : next;
}

/** The same for what is around the panes; `now` itself if it may change at any time. */
export function surroundingsChangeAt({state, ui, now}: DrawInput): number {
	const isOpen = ui.overlay !== null || ui.timeline !== null || ui.mode === 'compose' || draftsOf(ui).length > 0;
	if (isOpen || state.busy !== null || state.connection.phase === 'offline') return now;
	return firstAfter(now, [nextDay(now), ...agentMoments(state), ...taskMoments(state, now)]);
}

/** The first of these moments that is still to come. */
function firstAfter(now: number, moments: readonly number[]): number {
	return moments.reduce((first, moment) => (moment > now && moment < first ? moment : first), Infinity);
}

/** The next local midnight, from which on a time of today is shown with its date. */
function nextDay(now: number): number {
	return new Date(now).setHours(24, 0, 0, 0);
}

/** When agents will count as gone. */
function agentMoments({agents}: State): number[] {
	return [...agents.values()].flatMap(agent => goneAt(agent) ?? []);
}

/** When tasks can be claimed, and when they have waited too long for that. */
function taskMoments({tasks}: State, now: number): number[] {
	const moments: number[] = [];
	for (const task of tasks.values()) {
		if (task.status !== 'queued') continue;
		if (task.run_at !== null) moments.push(...untilMoments(Date.parse(task.run_at), now));
		moments.push(unclaimedAt(task, id => tasks.get(id)));
	}
	return moments;
}

/** When what the list says about leases, and about how long ago tasks ended, becomes something else. */
function listedTaskMoments(state: State, now: number): number[] {
	return taskList(state).order.flatMap(task => {
		const {lease_until, updated_at} = task;
		const moments: number[] = [];
		if (lease_until !== null) {
			const end = Date.parse(lease_until);
			moments.push(...untilMoments(end, now), end - leaseWarning + 1);
		}
		if (statusOf(state, task) === 'done') {
			const since = Date.parse(updated_at);
			moments.push(since + sameDuration(now - since).max + 1);
		}
		return moments;
	});
}

/** When the words for the time until `end` change next, and `end` itself. */
function untilMoments(end: number, now: number): number[] {
	return [end, end - sameDuration(end - now).min + 1];
}
