import type {Message} from '../../mailbox/message.ts';
import type {Task} from '../../mailbox/task.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {deliveriesOf} from '../../store/delivery.ts';
import type {HistoryStore} from '../../store/history-store.ts';
import {firstFrom, type Mark} from '../../store/mark.ts';
import {stepAt} from '../../store/replay.ts';
import type {State} from '../../store/state/state.ts';
import {doubtSpans, signatureSpans, urgentSpans} from '../panes/authorship.ts';
import {deliverySpans} from '../panes/delivery.ts';
import {messageBody} from '../panes/message-body.ts';
import type {PaintedLine} from '../screen/grid.ts';
import {clip, joinStrips, justify, strip, type Span, type Strip} from '../screen/strip.ts';
import {wrap} from '../screen/wrap.ts';
import {selectedTint, tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {clockMoment, counted} from '../settings/words.ts';
import type {Picture} from './picture.ts';
import {barSigns, endSigns} from './signs.ts';
import type {Ui} from '../model/ui.ts';
import type {TimelineItem} from '../model/timeline-view.ts';

export interface Detail {
	readonly state: State;
	readonly ui: Ui;
	readonly history: HistoryStore;
	readonly picture: Picture;
	readonly selected: TimelineItem | null;
	/** Milliseconds since 1970; null: now. */
	readonly moment: number | null;
	readonly now: number;
	/** The name to show for a folded tag. */
	readonly nameOf: (tag: string) => string;
}

/** The lines below the lanes: the selected message or task in full width, then the messages around it. */
export function detailLines(detail: Detail, width: number, height: number): PaintedLine[] {
	const {selected, ui} = detail;
	const room = width - 2;
	const lines =
		selected === null
			? [summary(detail)]
			: selected.kind === 'message'
				? messageLines(detail, selected.id, room)
				: taskLines(detail, selected.id, room);
	const maxLines = Math.max(4, Math.floor(height * 0.6));
	const shown =
		lines.length <= maxLines
			? lines
			: [
					...lines.slice(0, maxLines - 1),
					strip([{text: p`… ${ui.keymap.keyFor('timeline_open')} opens it`, style: theme.grey}]),
				];
	const context = contextLines(detail, room, height - shown.length - 1);
	const nothing: PaintedLine = {strip: strip([])};
	return [...shown.map(inset), ...(context.length > 0 ? [nothing] : []), ...context];
}

function inset(line: Strip): PaintedLine {
	return {strip: joinStrips(strip([{text: p` `, style: theme.text}]), line)};
}

/** The messages before the moment, or around the selected one: one line each, the newest at the bottom. */
function contextLines(detail: Detail, width: number, height: number): PaintedLine[] {
	const {picture, selected, moment} = detail;
	const {list} = picture.marks;
	const until = Math.min(moment ?? Infinity, picture.scale.to);
	const end = firstFrom(list, until + 1);
	const chosen = selected === null ? end : firstFrom(list, selected.at + 1);
	const to = Math.min(end, Math.max(chosen + Math.floor(height / 2), height));
	return list.slice(Math.max(0, to - Math.max(0, height)), to).map(mark => {
		const isSelected = selected?.kind === 'message' && selected.id === mark.id;
		const line = inset(clip(strip(contextSpans(detail, mark)), width));
		return isSelected ? {...line, tint: selectedTint} : line;
	});
}

function contextSpans({nameOf, now}: Detail, {at, tag, mentions, excerpt}: Mark): Span[] {
	const name = printable(nameOf(tag));
	return [
		{text: p`${clockMoment(new Date(at).toISOString(), now)} `, style: theme.faint},
		{text: name, style: tagStyle(tag)},
		...mentions.flatMap((to, index): Span[] => [
			{text: index === 0 ? p` → ` : p`, `, style: theme.grey},
			{text: printable(nameOf(to)), style: tagStyle(to)},
		]),
		{text: p`  ${printable(excerpt.replaceAll(/\s+/gu, ' '))}`, style: theme.grey},
	];
}

function summary({picture}: Detail): Strip {
	const tasks = new Set([...picture.bars.values()].flat().map(({task}) => task)).size;
	return strip([
		{
			text: p`${counted(picture.traffic.total, 'message')}, ${counted(tasks, 'task')} in this window`,
			style: theme.grey,
		},
	]);
}

function messageLines(detail: Detail, id: number, width: number): Strip[] {
	const {state, ui, history, moment, now} = detail;
	const message = history.message(id);
	if (message === undefined) return [strip([{text: p`#${id} reading`, style: theme.grey}])];
	const left: Span[] = [
		{text: p`${clockMoment(message.created_at, now)} `, style: theme.grey},
		{text: printable(message.tag), style: tagStrong(message.tag)},
		...doubtSpans(state, message),
		...urgentSpans(message),
	];
	message.mentions.forEach((tag, index) => {
		left.push({text: index === 0 ? p` → ` : p`, `, style: theme.grey}, {text: printable(tag), style: tagStyle(tag)});
	});
	left.push(...signatureSpans(message));
	left.push({text: p`  #${id}`, style: theme.faint});
	if (message.reply_to !== null) left.push({text: p`  ↳ #${message.reply_to}`, style: theme.grey});
	const delivery = moment === null ? deliverySpans(state, message, now) : deliverySpansAt(state, message, moment);
	return [justify(left, delivery, width), ...messageBody(ui, message, width, true)];
}

/** The delivery state for each reader at that moment. The time at which it was taken is not recorded. */
function deliverySpansAt(state: State, message: Message, moment: number): Span[] {
	const parts = deliveriesOf(state, message, moment).map(({reader, receipt}): Printable => {
		const by = (at: string | null | undefined): boolean => typeof at === 'string' && Date.parse(at) <= moment;
		const rung = by(receipt?.acked_at) ? '✓✓ acked' : by(receipt?.delivered_at) ? '✓ delivered' : 'stored';
		return p`${printable(reader)} ${rung}`;
	});
	return parts.length === 0 ? [] : [{text: joinPrintable(parts, '  '), style: theme.grey}];
}

function taskLines({history, picture, moment, now}: Detail, id: number, width: number): Strip[] {
	const task = history.task(id);
	const steps = picture.replay.tasks.get(id) ?? [];
	const step = stepAt(steps, moment ?? now);
	const left: Span[] = [
		step === null ? {text: p`?`, style: theme.grey} : signOf(step.state),
		{text: p` #${id} `, style: theme.task},
		{text: task === undefined ? p`` : printable(task.title), style: theme.strong},
	];
	const owner = step?.tag ?? null;
	const right: Span[] = [
		...(owner === null ? [] : [{text: p`${printable(owner)}  `, style: tagStyle(owner)}]),
		{text: step === null ? p`unknown` : p`${step.state}`, style: theme.grey},
		...(step?.state === 'running' ? [{text: p` ${Math.round(step.progress * 100)} %`, style: theme.good}] : []),
	];
	const life = wrap(strip(statusHistory(picture, id, moment ?? Infinity, now)), width);
	return [justify(left, right, width), ...life, ...bodyOf(task, width)];
}

function signOf(state: Task['status'] | 'unknown'): Span {
	if (state === 'queued' || state === 'running' || state === 'unknown') return barSigns[state].start;
	return endSigns[state];
}

/** The times at which its status changed. */
function statusHistory(picture: Picture, id: number, until: number, now: number): Span[] {
	const spans: Span[] = [];
	let last = '';
	for (const {at, state, tag} of picture.replay.tasks.get(id) ?? []) {
		if (at > until) break;
		const words = state === 'running' && tag !== null ? p`${state} ${printable(tag)}` : p`${state}`;
		if (words === last) continue;
		last = words;
		spans.push({
			text: p`${spans.length > 0 ? '  ' : ''}${clockMoment(new Date(at).toISOString(), now)} `,
			style: theme.faint,
		});
		spans.push({text: words, style: theme.grey});
	}
	return spans;
}

function bodyOf(task: Task | undefined, width: number): Strip[] {
	if (task === undefined || task.body === '') return [];
	const text = printable(task.body.slice(0, 4000));
	return wrap(strip([{text, style: theme.text}]), width);
}
