import {sameTag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {agentList, statusOf, stepsOf, tasksByStatus} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {tasksPane} from '../layout.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {clip, joined, justify, strip, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {headerTint, selectedTint, tagStyle, theme} from '../theme.ts';
import {viewOf, type Ui} from '../ui.ts';
import {counted, presenceWords} from '../words.ts';
import {centred} from './channel.ts';
import {taskList, type TaskRow} from './task-rows.ts';
import {farOf, progressSpans, resultSpans, standing, taskSign} from './task-words.ts';

/** The visible lines of the task pane: tasks as sentences from the top, agents at the bottom where there is room. */
export function tasksLines(state: State, ui: Ui, rect: Rect, now: number): PaintedLine[] {
	const width = Math.max(4, rect.width - 2);
	const agents = agentLines(state, width, now);
	const {rows} = taskList(state);
	const withAgents = rect.height - agents.length >= Math.min(rows.length, 8) + 1;
	const height = withAgents ? rect.height - agents.length : rect.height;

	const {selected} = viewOf(ui, tasksPane);
	const chosen =
		selected === null ? -1 : rows.findIndex(({kind, task}) => kind === 'sentence' && String(task.id) === selected);
	const top = chosen < 0 ? 0 : Math.max(0, Math.min(chosen - Math.floor(height / 2), rows.length - height));
	const over = rows.slice(top + height - 1).filter(({kind}) => kind === 'sentence').length;
	const cut = rows.length - top > height && over > 0;
	const shown = rows.slice(top, top + height - (cut ? 1 : 0)).map((row): PaintedLine => {
		const isChosen = row.kind !== 'gap' && String(row.task.id) === selected;
		const edge = strip([{text: isChosen ? '▌' : ' ', style: theme.task}]);
		const line = joined(edge, rowStrip(state, row, width, now));
		return isChosen ? {strip: line, tint: selectedTint} : {strip: line};
	});
	if (cut) shown.push({strip: strip([{text: ` ${counted(over, 'more', 'more')} below`, style: theme.grey}])});
	if (rows.length === 0) shown.push(...emptyTasks({...rect, height}, ui.focus === tasksPane));
	if (!withAgents) return shown;
	const gap = Array.from({length: Math.max(0, height - shown.length)}, (): PaintedLine => ({strip: strip([])}));
	return [...shown, ...gap, ...agents];
}

function emptyTasks(rect: Rect, focused: boolean): PaintedLine[] {
	const hint = focused ? [strip([{text: 'n adds one', style: theme.faint}])] : [];
	return centred([strip([{text: 'no tasks', style: theme.faint}]), ...hint], rect);
}

function rowStrip(state: State, {kind, task, depth}: TaskRow, width: number, now: number): Strip {
	const indent = Math.min(depth * 2, Math.floor(width / 3));
	const inset: Span = {text: ' '.repeat(kind === 'sentence' ? indent : indent + 2), style: theme.text};
	const room = width - inset.text.length;
	const quiet = (text: string): Strip => clip(strip([inset, {text: printable(text), style: theme.grey}]), width);
	switch (kind) {
		case 'gap':
			return strip([]);
		case 'sentence':
			return sentence(state, task, inset, width, now);
		case 'bar':
			return clip(strip([inset, ...progressSpans(state, task, room, now)]), width);
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
		{text: isStep ? ' ' : ` #${task.id} `, style: theme.task},
		{text: printable(task.title), style: isDim ? theme.grey : theme.text},
	];
	// The title goes before the longer ways to say how it stands.
	const ways = isStep ? stepStandings(state, task, now) : taskStandings(state, task, now);
	const right = ways.find(way => spanWidth(left) + spanWidth(way) < width) ?? ways.at(-1) ?? [];
	return justify(left, right, width);
}

function spanWidth(spans: readonly Span[]): number {
	return spans.reduce((width, {text}) => width + textWidth(text), 0);
}

/** Ways to say how a task stands, the longest first; the last one is said in any case. */
function taskStandings(state: State, task: Task, now: number): readonly Span[][] {
	const ways = [standing(state, task, now, true), standing(state, task, now, false)];
	const isPlan = stepsOf(state, task.id).length > 0;
	return isPlan && statusOf(state, task) === 'running' ? [...ways, []] : ways;
}

/** A step says least where nothing is special about it: that it is queued, or done, its sign says. */
function stepStandings(state: State, task: Task, now: number): readonly Span[][] {
	const short = standing(state, task, now, false);
	switch (statusOf(state, task)) {
		case 'running': {
			const isPlan = stepsOf(state, task.id).length > 0;
			if (!isPlan && task.progress === 0) return [short];
			const far: Span = {text: farOf(state, task).words, style: theme.grey};
			return [[far, {text: '  ', style: theme.grey}, ...short], isPlan ? [far] : short];
		}
		case 'queued': {
			const waits = task.attempts > 0 || Date.parse(task.run_at) > now || task.priority !== 0 || task.assignee !== null;
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

function agentLines(state: State, width: number, now: number): PaintedLine[] {
	const me = state.identity?.tag ?? '';
	const agents = agentList(state, now).filter(({tag}) => !sameTag(tag, me));
	if (agents.length === 0) return [];
	const header: Span[] = [
		{text: ' AGENTS', style: theme.strong},
		{text: `  ${agents.length}`, style: theme.grey},
	];
	const shown = agents.slice(0, 8).map((agent): PaintedLine => {
		const {sign, words, mood} = presenceWords(agent, now);
		const left: Span[] = [
			{text: `${sign} `, style: theme[mood]},
			{text: printable(agent.tag), style: tagStyle(agent.tag)},
			...(agent.role === null || agent.role === '' ? [] : [{text: ` ${printable(agent.role)}`, style: theme.faint}]),
		];
		return inset(justify(left, [{text: words, style: mood === 'warn' ? theme.warn : theme.grey}], width));
	});
	const self: Span[] = [
		{text: '● ', style: theme.good},
		{text: printable(me), style: tagStyle(me)},
	];
	const over = agents.length - shown.length;
	const more = over > 0 ? [inset(strip([{text: `  ${over} more`, style: theme.grey}]))] : [];
	const you = me === '' ? [] : [inset(justify(self, [{text: 'you', style: theme.grey}], width))];
	return [{strip: strip([])}, {strip: strip(header), tint: headerTint}, ...shown, ...more, ...you];
}

function inset(line: Strip): PaintedLine {
	return {strip: joined(strip([{text: ' ', style: theme.text}]), line)};
}

/** `3 running  2 queued  14 done`, without what there is none of; steps are counted with their plan. */
export function taskCounts(state: State): string {
	return (['running', 'queued', 'failed', 'dead', 'done'] as const)
		.map(status => ({status, count: tasksByStatus(state, status).length}))
		.flatMap(({status, count}) => (count > 0 ? [counted(count, status, status)] : []))
		.join('  ');
}
