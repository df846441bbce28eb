import type {Task} from '../../mailbox/task.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {Mark} from '../../store/mark.ts';
import {stepAt} from '../../store/replay.ts';
import {clip, strip, type Span} from '../screen/strip.ts';
import {lookOf, style, type Style} from '../screen/style.ts';
import {tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {columnOf, timeOf} from './axis.ts';
import {placeBars, unowned, type PlacedBar} from './bars.ts';
import {Canvas} from './canvas.ts';
import {taskRows, type LaneRows} from './lanes.ts';
import type {Picture} from './picture.ts';
import {barSigns, endSigns, presenceSigns} from './signs.ts';
import {addressees, countSign} from './traffic.ts';
import type {TimelineItem} from '../model/timeline-view.ts';

export interface Drawing {
	readonly picture: Picture;
	readonly rows: LaneRows;
	/** The width of the names at the left. */
	readonly labels: number;
	readonly selected: TimelineItem | null;
	/** The moment that is shown, in milliseconds since 1970; null: now. */
	readonly moment: number | null;
	/** The history is loaded from here on. */
	readonly readFrom: number;
	readonly now: number;
	/** The name to show for a folded tag. */
	readonly nameOf: (tag: string) => string;
	readonly taskOf: (id: number) => Task | undefined;
}

/** Draws the lanes: names and presence at the left, then messages and tasks. */
export function drawLanes(drawing: Drawing, width: number, height: number): Canvas {
	const canvas = new Canvas(width, height);
	const {picture, rows} = drawing;
	for (let row = 0; row < rows.shown; row++) {
		const lane = rows.top + row;
		drawLabel(canvas, drawing, lane, row * rows.height);
		if (picture.lanes[lane] !== unowned) drawTraffic(canvas, drawing, lane, row * rows.height);
		drawTrace(canvas, drawing, lane, row * rows.height + 1);
	}
	drawTasks(canvas, drawing);
	drawLinks(canvas, drawing);
	drawSelected(canvas, drawing);
	drawEdge(canvas, drawing);
	return canvas;
}

function isSelectedLane({selected, picture}: Drawing, lane: number): boolean {
	if (selected === null) return false;
	const tag = picture.lanes[lane];
	if (selected.kind === 'message') return picture.marks.get(selected.id)?.tag === tag;
	return picture.bars.get(tag ?? '')?.some(({task, from}) => task === selected.id && from === selected.at) === true;
}

function drawLabel(canvas: Canvas, drawing: Drawing, lane: number, y: number): void {
	const {picture, labels, moment, now, nameOf, rows} = drawing;
	const tag = picture.lanes[lane] ?? '';
	const room = labels - 1;
	const chosen = isSelectedLane(drawing, lane);
	const edge: Span = {text: chosen ? p`▌` : p` `, style: tag === unowned ? theme.task : tagStyle(tag)};
	if (tag === unowned) {
		canvas.lay(0, y, strip([edge, {text: p`  TASKS`, style: theme.strong}]), room);
		const waiting = (picture.bars.get(unowned) ?? []).filter(({to, state}) => to === Infinity && state === 'queued');
		if (rows.height > 1 && waiting.length > 0) {
			canvas.lay(0, y + 1, strip([{text: p`   ${waiting.length} open`, style: theme.grey}]), room);
		}
		return;
	}
	const step = stepAt(picture.replay.agents.get(tag), moment ?? now);
	const presence = step === null ? null : presenceSigns[step.state];
	const name: Span = {text: printable(nameOf(tag)), style: chosen ? tagStrong(tag) : tagStyle(tag)};
	const sign = presence?.sign ?? {text: p` `, style: theme.text};
	canvas.lay(0, y, clip(strip([edge, sign, {text: p` `, style: theme.text}, name]), room));
	if (presence !== null) canvas.lay(3, y + 1, strip([{text: presence.words, style: theme.grey}]), room - 3);
}

/** Columns between two signs for an unknown presence. */
const unknownEvery = 6;

/** Draws an agent's presence as a thin trace below its messages. */
function drawTrace(canvas: Canvas, {picture, labels, readFrom}: Drawing, lane: number, y: number): void {
	const steps = picture.replay.agents.get(picture.lanes[lane] ?? '');
	if (steps === undefined) return;
	const {scale, edge} = picture;
	for (let column = 0; column < scale.columns && column <= edge; column++) {
		const at = timeOf(scale, column);
		const step = at < readFrom ? null : stepAt(steps, at);
		if (step === null) continue;
		const {trace} = presenceSigns[step.state];
		if (step.state === 'unknown' && column % unknownEvery !== 0) continue;
		canvas.put(labels + column, y, trace.text, trace.style);
	}
}

function drawTraffic(canvas: Canvas, {picture, labels, readFrom}: Drawing, lane: number, y: number): void {
	const {traffic, scale} = picture;
	const tag = picture.lanes[lane] ?? '';
	const unread = Math.min(scale.columns, columnOf(scale, readFrom));
	for (let column = 0; column < scale.columns; column++) {
		const cell = lane * scale.columns + column;
		const count = traffic.counts[cell] ?? 0;
		const x = labels + column;
		if (count > 0) canvas.put(x, y, countSign(count, traffic.toAll[cell] === 1), tagStrong(tag));
		else if ((traffic.waits[cell] ?? 0) > 0) canvas.put(x, y, p`─`, theme.faint);
		else if (column < unread) canvas.put(x, y, p`·`, theme.faint);
	}
}

/** Draws lines from authors to addressees, behind names and bars. */
function drawLinks(canvas: Canvas, drawing: Drawing): void {
	const {picture, labels} = drawing;
	picture.traffic.links.forEach((pairs, column) => {
		for (const [from, to] of pairs ?? []) {
			const look = tagStyle(picture.lanes[from] ?? '');
			drawLink(canvas, drawing, labels + column, [from, to], {line: p`│`, look, over: behind});
		}
	});
}

/** The glyphs that a line may cross. */
const behind: ReadonlySet<string> = new Set([' ', '·', '─', '┈', '╌', '┄', '?']);
/** The glyphs that the selected message's line may cross: everything but words. */
const lines: ReadonlySet<string> = new Set([...behind, '│', '━', '▲', '▼']);

interface LinkLook {
	readonly line: Printable;
	readonly look: Style;
	readonly over: {has(glyph: string): boolean};
}

function drawLink(
	canvas: Canvas,
	{rows}: Drawing,
	x: number,
	[from, to]: readonly [number, number],
	{line, look, over}: LinkLook,
): void {
	const down = to > from ? 1 : -1;
	const [start, end] = [(from - rows.top) * rows.height, (to - rows.top) * rows.height];
	const last = rows.shown * rows.height;
	for (let y = start + down; y !== end; y += down) {
		if (y >= 0 && y < last && over.has(canvas.at(x, y))) canvas.put(x, y, line, look);
	}
	if (end >= 0 && end < last && behind.has(canvas.at(x, end))) canvas.put(x, end, down > 0 ? p`▼` : p`▲`, look);
}

function drawTasks(canvas: Canvas, drawing: Drawing): void {
	const {picture, rows, labels, selected, readFrom} = drawing;
	for (let row = 0; row < rows.shown; row++) {
		const tag = picture.lanes[rows.top + row] ?? '';
		// The lane `unowned` has no messages, so tasks can use its first row, too.
		const [y, height] =
			tag === unowned ? [row * rows.height, taskRows(rows.height) + 1] : [row * rows.height + 1, taskRows(rows.height)];
		// What is not loaded yet is not unknown.
		const known = (picture.bars.get(tag) ?? []).filter(({state, from}) => state !== 'unknown' || from >= readFrom);
		const {bars, over} = placeBars(known, picture.scale, height, picture.edge);
		for (const bar of bars) {
			const isSelected = selected?.kind === 'task' && selected.id === bar.bar.task;
			drawBar(canvas, drawing, bar, labels, y + bar.row, isSelected);
		}
		if (over > 0) {
			const words = strip([{text: p` +${over} `, style: theme.grey}]);
			canvas.lay(labels + picture.scale.columns - words.glyphs.length, y + height - 1, words);
		}
	}
}

function drawBar(
	canvas: Canvas,
	{picture, taskOf}: Drawing,
	{bar, first, last, free}: PlacedBar,
	labels: number,
	y: number,
	isSelected: boolean,
): void {
	const {start, line} = barSigns[bar.state];
	const {columns} = picture.scale;
	const from = Math.max(0, first);
	const to = Math.min(columns - 1, last);
	for (let column = from; column <= to; column++) canvas.put(labels + column, y, line.text, line.style);
	if (first >= 0) canvas.put(labels + first, y, start.text, start.style);
	const task = taskOf(bar.task);
	const title = task === undefined ? p`` : p` ${printable(task.title)}`;
	const text: Span[] = [
		{text: p`#${bar.task}`, style: isSelected ? inverse(theme.task) : theme.task},
		{text: title, style: bar.state === 'running' ? theme.text : theme.grey},
		...(bar.state === 'running' && bar.to === Infinity && bar.progress > 0
			? [{text: p` ${Math.round(bar.progress * 100)} %`, style: theme.good}]
			: []),
	];
	// Inside the bar if the words fit there, otherwise after its end as far as there is room.
	const inside = to - from - 3;
	const words = strip([{text: p` `, style: theme.text}, ...text, {text: p` `, style: theme.text}]);
	const whole = words.glyphs.length <= inside;
	const ending = last >= 0 && last < columns && bar.end !== null ? endSigns[bar.end] : null;
	if (whole || inside >= 14) canvas.lay(labels + from + 1, y, clip(words, Math.max(0, inside)));
	if (ending !== null) canvas.put(labels + last, y, ending.text, ending.style);
	if (whole || inside >= 14) return;
	const room = Math.min(free, columns) - to - 2;
	if (room >= 3) canvas.lay(labels + to + 1, y, clip(words, room));
}

function inverse(of: Style): Style {
	return style({...lookOf(of), inverse: true});
}

/** Draws the selected message, its addressees, what it replies to and its replies, above everything else. */
function drawSelected(canvas: Canvas, drawing: Drawing): void {
	const {picture, selected, rows, labels} = drawing;
	if (selected?.kind !== 'message') return;
	const mark = picture.marks.get(selected.id);
	const lane = mark === undefined ? undefined : picture.laneOf.get(mark.tag);
	if (mark === undefined || lane === undefined) return;
	const {scale, marks} = picture;
	const rowOf = (index: number): number => (index - rows.top) * rows.height;
	const look = tagStrong(mark.tag);
	const x = labels + columnOf(scale, mark.at);
	for (const to of addressees(mark, picture.laneOf)) {
		if (to !== lane) drawLink(canvas, drawing, x, [lane, to], {line: p`┃`, look, over: lines});
	}
	const tie = (answered: Mark, answer: Mark): void => {
		const at = picture.laneOf.get(answer.tag);
		if (at === undefined || at < rows.top || at >= rows.top + rows.shown) return;
		const end = columnOf(scale, answer.at);
		for (let column = Math.max(0, columnOf(scale, answered.at) + 1); column < end; column++) {
			if (behind.has(canvas.at(labels + column, rowOf(at)))) {
				canvas.put(labels + column, rowOf(at), p`━`, tagStyle(answer.tag));
			}
		}
	};
	const answered = mark.reply_to === null ? undefined : marks.get(mark.reply_to);
	if (answered !== undefined) tie(answered, mark);
	for (const answer of answersTo(drawing, mark)) tie(mark, answer);
	if (lane >= rows.top && lane < rows.top + rows.shown) canvas.restyle(x, rowOf(lane), inverse);
}

function answersTo({picture, moment}: Drawing, {id, at}: Mark): Mark[] {
	const {marks, scale} = picture;
	const {list} = marks;
	const found: Mark[] = [];
	for (let index = list.length - 1; index >= 0; index--) {
		const mark = list[index];
		if (mark === undefined || mark.at < Math.max(at, scale.from)) break;
		if (mark.reply_to === id && mark.at < scale.to && mark.at <= (moment ?? Infinity)) found.push(mark);
	}
	return found;
}

/** Draws the line of the present, or of the moment that is shown. */
function drawEdge(canvas: Canvas, {picture, labels, moment, rows}: Drawing): void {
	if (picture.edge < 0 || picture.edge >= picture.scale.columns) return;
	const x = labels + picture.edge;
	for (let y = 0; y < rows.shown * rows.height; y++) {
		if (moment === null) canvas.putBehind(x, y, p`┊`, theme.faint);
		else if (behind.has(canvas.at(x, y))) canvas.put(x, y, p`│`, theme.warn);
	}
}
