import {blockedForEver, waitOf, type Task} from '../../mailbox/task.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {stalledPlans, statusOf, stepsOf, tasksByStatus} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {tasksPane} from '../model/pane-id.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {clip, joinStrips, justify, strip, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {selectedTint, theme} from '../settings/theme.ts';
import {viewOf, type Ui} from '../model/ui.ts';
import {counted} from '../settings/words.ts';
import {centred} from './channel.ts';
import {taskList, type TaskRow} from './task-rows.ts';
import {progressOf, progressSpans, resultSpans, statusSpans, taskSign} from './task-words.ts';

/** The visible lines of the tasks pane. */
export function tasksLines(state: State, ui: Ui, rect: Rect, now: number): PaintedLine[] {
	const width = Math.max(4, rect.width - 2);
	const {rows} = taskList(state);
	if (rows.length === 0) return emptyTasks(rect, ui.focus === tasksPane);
	const {height} = rect;
	const {selected} = viewOf(ui, tasksPane);
	const chosen =
		selected === null ? -1 : rows.findIndex(({kind, task}) => kind === 'sentence' && String(task.id) === selected);
	const top = chosen < 0 ? 0 : Math.max(0, Math.min(chosen - Math.floor(height / 2), rows.length - height));
	const over = rows.slice(top + height - 1).filter(({kind}) => kind === 'sentence').length;
	const cut = rows.length - top > height && over > 0;
	const shown = rows.slice(top, top + height - (cut ? 1 : 0)).map((row): PaintedLine => {
		const isSelected = row.kind !== 'gap' && String(row.task.id) === selected;
		const edge = strip([{text: isSelected ? p`▌` : p` `, style: theme.task}]);
		const line = joinStrips(edge, rowStrip(state, row, width, now));
		return isSelected ? {strip: line, tint: selectedTint} : {strip: line};
	});
	if (cut) shown.push({strip: strip([{text: p` ${counted(over, 'more', 'more')} below`, style: theme.grey}])});
	return shown;
}

function emptyTasks(rect: Rect, focused: boolean): PaintedLine[] {
	const hint = focused ? [strip([{text: p`n adds one`, style: theme.faint}])] : [];
	return centred([strip([{text: p`no tasks`, style: theme.faint}]), ...hint], rect);
}

/** The maximum length of a progress bar. */
const maxBarLength = 90;

function rowStrip(state: State, {kind, task, depth}: TaskRow, width: number, now: number): Strip {
	const indent = Math.min(depth * 2, Math.floor(width / 3));
	const inset: Span = {text: p` `.repeat(kind === 'sentence' ? indent : indent + 2), style: theme.text};
	const room = width - inset.text.length;
	const quiet = (text: string): Strip => clip(strip([inset, {text: printable(text), style: theme.grey}]), width);
	switch (kind) {
		case 'gap':
			return strip([]);
		case 'sentence':
			return sentence(state, task, inset, width, now);
		case 'bar':
			return clip(strip([inset, ...progressSpans(state, task, Math.min(room, maxBarLength), now)]), width);
		case 'note':
			return quiet(task.note ?? '');
		case 'error':
			return quiet(task.last_error ?? '');
		case 'result':
			return clip(strip([inset, ...resultSpans(task)]), width);
	}
}

function sentence(state: State, task: Task, inset: Span, width: number, now: number): Strip {
	const isStep = inset.text !== '';
	const status = statusOf(state, task);
	const isOver = status === 'done' || status === 'cancelled';
	const isDim = isOver ? !isStep || status === 'cancelled' : isStep && status === 'queued';
	const left: Span[] = [
		inset,
		taskSign(state, task),
		{text: isStep ? p` ` : p` #${task.id} `, style: theme.task},
		{text: printable(task.title), style: isDim ? theme.grey : theme.text},
	];
	// The title takes precedence over the longer wordings of the status.
	const wordings = isStep ? stepWordings(state, task, now) : taskWordings(state, task, now);
	const right = wordings.find(wording => spanWidth(left) + spanWidth(wording) < width) ?? wordings.at(-1) ?? [];
	return justify(left, right, width);
}

function spanWidth(spans: readonly Span[]): number {
	return spans.reduce((width, {text}) => width + textWidth(text), 0);
}

/** Wordings of a task's status, the longest first; the last one is always shown. */
function taskWordings(state: State, task: Task, now: number): readonly Span[][] {
	const wordings = [statusSpans(state, task, now, true), statusSpans(state, task, now, false)];
	const isPlan = stepsOf(state, task.id).length > 0;
	return isPlan && statusOf(state, task) === 'running' ? [...wordings, []] : wordings;
}

/** A step only has words if there is more to say than its sign shows. */
function stepWordings(state: State, task: Task, now: number): readonly Span[][] {
	const short = statusSpans(state, task, now, false);
	switch (statusOf(state, task)) {
		case 'running': {
			const isPlan = stepsOf(state, task.id).length > 0;
			if (!isPlan && task.progress === 0) return [short];
			const progress: Span = {text: progressOf(state, task).words, style: theme.grey};
			return [[progress, {text: p`  `, style: theme.grey}, ...short], isPlan ? [progress] : short];
		}
		case 'queued': {
			if (blockedForEver(task) !== null) return [short];
			const waits = task.attempts > 0 || waitOf(task, now) > 0 || task.priority !== 0 || task.assignee !== null;
			const depends = task.depends_on.some(id => state.tasks.get(id)?.status !== 'done');
			return waits && !depends ? [short, []] : [];
		}
		case 'failed':
		case 'dead':
			return [short];
		case 'done':
		case 'cancelled':
			return [];
	}
}

/** `1 stalled  3 running  2 queued  14 done`, without zeros; steps count as part of their plan. */
export function taskCounts(state: State, now: number): Printable {
	const stalled = stalledPlans(state, now);
	const counts = (['running', 'queued', 'failed', 'dead', 'done'] as const).map(status => ({
		status,
		count: tasksByStatus(state, status).filter(task => !stalled.includes(task)).length,
	}));
	const words = [{status: 'stalled', count: stalled.length}, ...counts].flatMap(({status, count}) =>
		count > 0 ? [counted(count, status, status)] : [],
	);
	return joinPrintable(words, '  ');
}
