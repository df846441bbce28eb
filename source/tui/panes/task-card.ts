import {blockedForEver, waitOf, type Task, type TaskAttempt} from '../../mailbox/task.ts';
import {maxRows} from '../../mailbox/table.ts';
import {percentOf, standing} from '../../mailbox/tasks/task-standing.ts';
import {p, printable, printableLines, type Printable} from '../../printable.ts';
import {stalledBy, statusOf, stepsOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {clip, justify, spansOf, strip, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {wrap} from '../screen/wrap.ts';
import {memo} from '../screen/memo.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import type {TableRow} from '../../mailbox/table.ts';
import {clockTime, duration} from '../settings/words.ts';
import {resultTableLines} from './result-table.ts';
import {progressSpans, statusSpans, taskSign} from './task-words.ts';

/** How many lines and letters of a body or a result are shown. */
const maxLines = 500;
const maxLetters = 100_000;

/** A task to show in full, with what is read for it: its attempts, and the contents of its `result_table`: none, still being read, rows, or an error. */
export interface TaskCard {
	readonly id: number;
	readonly attempts: readonly TaskAttempt[];
	readonly table: null | 'reading' | readonly TableRow[] | {readonly failure: string};
}

/** Columns and lines inside a card on a terminal of this size. */
export function cardRoom(columns: number, rows: number): {readonly width: number; readonly height: number} {
	return {width: Math.min(columns, 104) - 6, height: Math.max(1, rows - (rows < 16 ? 6 : 8))};
}

/** A task in full: fields, body, steps and result, as lines of at most `width` columns. Pure. */
export function taskCardLines(state: State, card: TaskCard, width: number, now: number): Strip[] {
	const task = state.tasks.get(card.id);
	if (task === undefined) return [strip([{text: p`Task #${card.id} no longer exists.`, style: theme.grey}])];
	const section = (title: Printable, lines: readonly Strip[]): Strip[] =>
		lines.length === 0 ? [] : [strip([]), strip([{text: title, style: theme.strong}]), ...lines];
	return [
		...titleLines(state, task, width, now),
		strip([]),
		...fieldLines(state, task, width, now),
		...(task.body.trim() === '' ? [] : [strip([]), ...textLines(task.body, width)]),
		...section(p`steps`, stepLines(state, task, width, now)),
		...section(p`attempts`, attemptLines(card.attempts, width, now)),
		...section(p`result`, resultLines(task, width)),
		...(task.result_table === null ? [] : [strip([]), ...tableSection(task.result_table, card.table, width)]),
	];
}

function titleLines(state: State, task: Task, width: number, now: number): Strip[] {
	const right = statusSpans(state, task, now, true);
	const used = right.reduce((sum, {text}) => sum + textWidth(text), 0);
	const head: Span[] = [taskSign(state, task), {text: p` #${task.id} `, style: theme.task}];
	const indent = head.reduce((sum, {text}) => sum + textWidth(text), 0);
	const [first, ...more] = wrap(
		strip([{text: printable(task.title), style: theme.strong}]),
		Math.max(8, width - indent - used - 2),
	);
	const lines = [justify([...head, ...(first === undefined ? [] : spansOf(first))], right, width)];
	for (const line of more) lines.push(strip([{text: p` `.repeat(indent), style: theme.text}, ...spansOf(line)]));
	const status = statusOf(state, task);
	if (status === 'running' || (status === 'queued' && task.progress > 0)) {
		lines.push(
			clip(
				strip([{text: p`  `, style: theme.text}, ...progressSpans(state, task, Math.min(60, width - 2), now)]),
				width,
			),
		);
	}
	return lines;
}

const labelWidth = 11;
type Label =
	| 'status'
	| 'for'
	| 'queue'
	| 'priority'
	| 'step of'
	| 'after'
	| 'added'
	| 'changed'
	| 'key'
	| 'note'
	| 'error'
	| 'why';

/** The task's fields, one per line, without empty ones. */
function fieldLines(state: State, task: Task, width: number, now: number): Strip[] {
	const plain = (text: Printable): Span[] => [{text, style: theme.text}];
	const tag = (name: string): Span => ({text: printable(name), style: tagStyle(name)});
	const number = (id: number): Span => ({text: p`#${id}`, style: theme.task});
	const when = (iso: string): Printable => p`${clockTime(iso, now)}, ${duration(now - Date.parse(iso))} ago`;
	const fields: [Label, readonly Span[]][] = [['status', plain(statusWords(state, task, now))]];
	if (task.assignee !== null) fields.push(['for', [tag(task.assignee), ...plain(p` only`)]]);
	if (task.queue !== 'default') fields.push(['queue', plain(printable(task.queue))]);
	fields.push(['priority', plain(p`${task.priority}`)]);
	if (task.parent_id !== null) {
		const title = state.tasks.get(task.parent_id)?.title ?? '';
		fields.push(['step of', [number(task.parent_id), ...plain(p` ${printable(title)}`)]]);
	}
	if (task.depends_on.length > 0) {
		const each = task.depends_on.flatMap((id, at): Span[] => [
			...(at === 0 ? [] : plain(p`, `)),
			number(id),
			{text: p` ${state.tasks.get(id)?.status ?? 'unknown'}`, style: theme.grey},
		]);
		fields.push(['after', each]);
	}
	const who = task.created_by === null ? plain(p`plain SQL`) : [tag(task.created_by)];
	const asked = task.message_id === null ? [] : [...plain(p`, asked for in `), number(task.message_id)];
	fields.push(['added', [...plain(p`by `), ...who, ...plain(p`, ${when(task.created_at)}`), ...asked]]);
	if (task.updated_at !== task.created_at) fields.push(['changed', plain(when(task.updated_at))]);
	if (task.idem_key !== null) fields.push(['key', plain(printable(task.idem_key))]);
	if (task.note !== null && task.note !== '') fields.push(['note', plain(printable(task.note))]);
	if (task.last_error !== null) {
		const isFault = task.status !== 'cancelled';
		const style = isFault ? theme.bad : theme.grey;
		fields.push([isFault ? 'error' : 'why', [{text: printable(task.last_error), style}]]);
	}
	return fields.flatMap(([label, spans]) =>
		wrap(strip(spans), Math.max(8, width - labelWidth)).map((line, at) =>
			strip([{text: p`${at === 0 ? label : ''}`.padEnd(labelWidth), style: theme.grey}, ...spansOf(line)]),
		),
	);
}

function statusWords(state: State, task: Task, now: number): Printable {
	const steps = stepsOf(state, task.id).map(step => ({status: statusOf(state, step)}));
	const stalled = stalledBy(state, task, now);
	const words = printable(`${standing(task, steps)}${stalled === null ? '' : `, stalled: ${stalled}`}`);
	const {status, run_at, lease_token} = task;
	if (status === 'running') return p`${words}, claim ${lease_token}`;
	const wait = waitOf(task, now);
	if (status !== 'queued' || run_at === null || wait === 0 || blockedForEver(task) !== null) return words;
	return p`${words}, not before ${clockTime(run_at, now)}, in ${duration(wait)}`;
}

function stepLines(state: State, task: Task, width: number, now: number): Strip[] {
	const walk = (parent: Task, depth: number): Strip[] =>
		depth > 8
			? []
			: stepsOf(state, parent.id).flatMap(step => {
					const status = statusOf(state, step);
					const look = status === 'queued' || status === 'cancelled' ? theme.grey : theme.text;
					const left: Span[] = [
						{text: p`  `.repeat(depth), style: theme.text},
						taskSign(state, step),
						{text: p` #${step.id} `, style: theme.task},
						{text: printable(step.title), style: look},
					];
					return [justify(left, statusSpans(state, step, now, width > 60), width), ...walk(step, depth + 1)];
				});
	return walk(task, 0);
}

/** How many attempts are shown; the newest. */
const maxAttempts = 10;

/** Attempts that ended without success, or all of them if there were several. */
function attemptLines(attempts: readonly TaskAttempt[], width: number, now: number): readonly Strip[] {
	if (attempts.length < 2 && attempts.every(({reason}) => reason === null)) return [];
	return attempts.slice(-maxAttempts).flatMap(each => {
		const {attempt, owner, begun_at, ended_at, outcome, reason} = each;
		const end = ended_at === null ? p`still running` : p`${outcome ?? ''} at ${clockTime(ended_at, now)}`;
		const head: Span[] = [
			{text: p`${attempt}  `, style: theme.grey},
			{text: printable(owner ?? ''), style: tagStyle(owner ?? '')},
			{text: p`  from ${clockTime(begun_at, now)}, ${printable(percentOf(each))}, ${end}`, style: theme.text},
		];
		const why: Span[] = reason === null ? [] : [{text: p`: ${printable(reason)}`, style: theme.grey}];
		return wrap(strip([...head, ...why]), width);
	});
}

function resultLines({result}: Task, width: number): readonly Strip[] {
	if (result === null) return [];
	if (typeof result === 'string') return textLines(result, width);
	const line = JSON.stringify(result);
	return textLines(line.length <= width ? line : JSON.stringify(result, null, 2), width);
}

function tableSection(name: string, table: TaskCard['table'], width: number): Strip[] {
	const remark = Array.isArray(table) && table.length >= maxRows ? p`the first ${maxRows} rows` : p``;
	const title = justify(
		[{text: printable(name), style: theme.strong}],
		remark === '' ? [] : [{text: remark, style: theme.grey}],
		width,
	);
	if (table === null || table === 'reading') return [title, strip([{text: p`reading`, style: theme.faint}])];
	if ('failure' in table) {
		return [title, ...wrap(strip([{text: printable(table.failure), style: theme.warn}]), width)];
	}
	return [title, ...resultTableLines(table, width).map(line => strip(line))];
}

function textLines(text: string, width: number): readonly Strip[] {
	return wrapped(`${width} ${text}`);
}

/** Wraps the text after the width in the key. Cached, because it is needed in every frame. */
const wrapped = memo(8, (key: string): readonly Strip[] => {
	const at = key.indexOf(' ');
	const width = Number(key.slice(0, at));
	const text = key.slice(at + 1);
	const all = printableLines(text.slice(0, maxLetters)).flatMap(line =>
		wrap(strip([{text: line, style: theme.text}]), width),
	);
	const shown = all.slice(0, maxLines);
	const isCut = all.length > shown.length || text.length > maxLetters;
	if (!isCut) return shown;
	return [...shown, strip([{text: p`… the rest: agentmux tasks show ID --json`, style: theme.grey}])];
});
