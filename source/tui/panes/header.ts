import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {hasOwnerSql, isShared, presenceOf, type Agent} from '../../mailbox/agent.ts';
import type {Message} from '../../mailbox/message.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {isKnownTag, meantTag} from '../../store/delivery.ts';
import {windowOf} from '../../store/loaded.ts';
import {runningTaskOf, threadTree, waitingForMe} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import type {PaneFilter} from '../model/pane-filter.ts';
import {filteredOf, filterSummary} from '../model/filtered.ts';
import {agentsPane, hasMessages, inboxPane, isChannelPane, tasksPane, type PaneId} from '../model/pane-id.ts';
import type {PaintedLine} from '../screen/grid.ts';
import {justify, textWidth, type Span} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {contextOf, doingText} from '../settings/doing-words.ts';
import {filterChip, focusedTint, headerTint, tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {draftsBeside} from '../model/draft.ts';
import {perRun} from '../model/per-run.ts';
import {homeOf, viewOf, type DrawInput, type Ui} from '../model/ui.ts';
import {unreadLabel} from '../model/unread.ts';
import {counted, presenceWords} from '../settings/words.ts';
import {agentOrder} from './agents.ts';
import {deliveryTimes} from './delivery.ts';
import {lookAlikeMark} from './look-alike.ts';
import {taskCounts} from './tasks.ts';

/** The row above a pane: number, name, the agent's presence, unread messages. */
export function headerLine(
	state: State,
	ui: Ui,
	pane: PaneId,
	number: Printable,
	width: number,
	now: number,
): PaintedLine {
	const focused = ui.focus === pane;
	const home = homeOf(ui, pane);
	const edge: Span = {text: focused ? p`▌` : p` `, style: isChannelPane(home) ? tagStyle(home) : theme.grey};
	const count: Span = {text: number === '' ? p`` : p`${number} `, style: theme.grey};
	const [left, right] = headerSpans(state, ui, pane, width, now);
	return {
		strip: justify(
			[edge, count, ...left],
			[...arrangementSpans(ui, pane), ...right, {text: p` `, style: theme.text}],
			width,
		),
		tint: focused ? focusedTint : headerTint,
	};
}

/** The left and the right part. */
function headerSpans(state: State, ui: Ui, pane: PaneId, width: number, now: number): [Span[], Span[]] {
	if (ui.threads.has(pane) || isChannelPane(pane)) return channelHeader(state, ui, pane, width, now);
	const left: Span[] = [{text: printable(paneName(state, pane)), style: theme.strong}];
	const filter = ui.filters.get(pane);
	if (filter !== undefined) return filterHeader(state, pane, filter, left);
	const about = (words: Printable): number => left.push({text: words === '' ? p`` : p`  ${words}`, style: theme.grey});
	if (pane === tasksPane) about(taskCounts(state, now));
	if (pane === agentsPane) about(presenceCounts(state, now));
	if (pane === inboxPane) {
		const waiting = waitingForMe(state).length;
		if (waiting > 0) left.push({text: p`  ${waiting} waiting for you`, style: theme.warnStrong});
		left.push(...unreadSpans(state, pane));
	}
	return [left, sparklineSpans(state, ui, pane, {width, now, style: theme.grey})];
}

/** `✎ draft`, if one was left here that the compose line does not show, and how the pane is arranged. */
function arrangementSpans(ui: Ui, pane: PaneId): Span[] {
	const {
		arrangement: {pinned, zoomed},
		keymap,
	} = ui;
	const drafts = draftsBeside(ui, pane);
	const draft = drafts === 0 ? p`` : drafts === 1 ? p`✎ draft  ` : p`✎ ${drafts} drafts  `;
	const words = [...(pinned.has(pane) ? [p`pinned`] : []), ...(zoomed ? [p`alone · ${keymap.keyFor('unzoom')}`] : [])];
	return [
		{text: draft, style: theme.warn},
		{text: words.length === 0 ? p`` : p`${joinPrintable(words, ' · ')}  `, style: theme.faint},
	];
}

function unreadSpans(state: State, pane: PaneId): Span[] {
	const unread = unreadLabel(state, pane);
	return unread === '' ? [] : [{text: p`  ${unread} new`, style: theme.warnStrong}];
}

/** `2 in a turn  1 idle`, without zeros. */
function presenceCounts(state: State, now: number): Printable {
	const counts = Map.groupBy(agentOrder(state, now), agent =>
		agent.paused === null ? presenceOf(agent, now) : 'paused',
	);
	const words = {
		paused: 'paused',
		working: 'in a turn',
		blocked: 'blocked',
		idle: 'idle',
		away: 'away',
		gone: 'gone',
	} as const;
	return joinPrintable(
		[...counts].map(([presence, agents]) => p`${agents.length} ${words[presence]}`),
		'  ',
	);
}

/** Columns that a header needs besides its two parts: edge, number, gaps. */
const reservedColumns = 7;

function channelHeader(state: State, ui: Ui, pane: PaneId, width: number, now: number): [Span[], Span[]] {
	const home = homeOf(ui, pane);
	const tag = paneName(state, home);
	const left: Span[] = [{text: printable(tag), style: isChannelPane(home) ? tagStrong(tag) : theme.strong}];
	if (isChannelPane(home)) left.push(...lookAlikeMark(state, tag));
	const root = ui.threads.get(pane);
	if (root !== undefined) {
		left.push({text: p` ⤷ thread #${root}`, style: theme.strong});
		const tree = threadTree(state, root);
		left.push({text: p`  ${counted(tree.length, 'message')}`, style: theme.grey});
		const {selected} = viewOf(ui, pane);
		const chosen = selected === null ? undefined : tree.find(({message}) => String(message.id) === selected)?.message;
		const room = width - left.reduce((taken, {text}) => taken + textWidth(text), 0) - reservedColumns;
		const times = chosen === undefined ? [] : deliveryTimes(state, chosen, room, now);
		return [left, times.length > 0 ? times : [{text: p`${ui.keymap.keyFor('back')} back`, style: theme.grey}]];
	}
	const filter = ui.filters.get(pane);
	if (filter !== undefined) return filterHeader(state, pane, filter, left);
	const agent = state.agents.get(foldTag(pane));
	if (agent !== undefined && agent.kind === 'agent' && agent.revoked_at === null) {
		const {sign, words, mood} = presenceWords(agent, now);
		left.push(
			{text: p` ${sign}`, style: theme[mood]},
			{text: p` ${words}`, style: mood === 'warn' ? theme.warn : theme.grey},
		);
		if (hasOwnerSql(agent)) left.push({text: p`  owner SQL`, style: theme.warn});
		if (agent.damped !== null) {
			left.push({
				text: p`  loop damped: ${printable(agent.damped)} · ${ui.keymap.keyFor('undamp')} goes on`,
				style: theme.warnStrong,
			});
		}
		if (isShared(agent, now)) left.push({text: p`  ${agent.sessions} sessions, one inbox`, style: theme.warnStrong});
	}
	if (!isKnownTag(state, tag)) {
		const meant = meantTag(state, tag);
		const words = p`  never joined${meant === null ? '' : p`; did you mean ${printable(meant)}?`}`;
		left.push({text: words, style: theme.grey});
	}
	left.push(...unreadSpans(state, pane));
	const task = runningTaskOf(state, tag);
	if (task !== undefined) {
		left.push({text: p`  #${task.id}`, style: theme.task}, {text: p` ${printable(task.title)}`, style: theme.grey});
	}
	left.push(...doingSpans(ui, agent, now));
	return [left, sparklineSpans(state, ui, pane, {width, now, style: tagStyle(tag)})];
}

/** What the agent does in its turn, and how full its context is. */
function doingSpans(ui: Ui, agent: Agent | undefined, now: number): Span[] {
	if (agent === undefined) return [];
	const sight = ui.sights.get(foldTag(agent.tag));
	const [doing, context] = [doingText(agent, sight, now), contextOf(agent, sight, now)];
	return [
		...(context === null ? [] : [{text: p`  ${context}`, style: theme.grey}]),
		...(doing === null ? [] : [{text: p`  › ${doing}`, style: theme.text}]),
	];
}

/** The pane's filter and how much it matches. */
function filterHeader(state: State, pane: PaneId, filter: PaneFilter, left: readonly Span[]): [Span[], Span[]] {
	const chip: Span[] = [
		{text: p` `, style: theme.text},
		{text: p` f ${printable(filter.text)} `, style: filterChip},
	];
	return [[...left, ...chip], [{text: filterSummary(filteredOf(state, pane, filter)), style: theme.grey}]];
}

/** The name of a pane as shown. */
export function paneName(state: State, pane: PaneId): string {
	return isChannelPane(pane) ? channelName(state, pane) : pane.slice(1).toUpperCase();
}

/** A channel's tag as first spelled. */
export function channelName(state: State, pane: PaneId): Tag {
	const key = foldTag(pane);
	return state.channels.get(key)?.tag ?? state.agents.get(key)?.tag ?? pane;
}

const bars = p` ▁▂▃▄▅▆▇█`;
const minutes = 12;
const minute = 60_000;
/** How many messages are counted at most. */
const maxCounted = 400;

/** Columns of a header from which on it has room for a sparkline. */
const sparklineFrom = 50;

function hasSparkline(ui: Ui, pane: PaneId, width: number): boolean {
	return width >= sparklineFrom && hasMessages(pane) && !ui.threads.has(pane) && !ui.filters.has(pane);
}

function sparklineSpans(
	state: State,
	ui: Ui,
	pane: PaneId,
	{width, now, style}: {readonly width: number; readonly now: number; readonly style: Style},
): Span[] {
	return hasSparkline(ui, pane, width) ? [{text: sparkline(state, ui, pane, now), style}] : [];
}

/** When the sparkline in a header made at `now` changes next, if nothing but the time does; Infinity: never. */
export function sparklineChangesAt({state, ui, now}: DrawInput, pane: PaneId, width: number): number {
	const known = hasSparkline(ui, pane, width) ? sparklinesOf(ui).get(pane) : undefined;
	if (known === undefined) return Infinity;
	// It may be an earlier one.
	if (known.at !== now || known.messages !== windowOf(state, pane)) return known.at + sparklinePace;
	return countedIn(state, pane, now).reduce(
		(next, {at, age}) => Math.min(next, at + (Math.max(0, age) + 1) * minute),
		Infinity,
	);
}

/** A sparkline of the channel's messages in each of the last twelve minutes; empty if there were none. */
function sparkline(state: State, ui: Ui, pane: PaneId, now: number): Printable {
	const sparklines = sparklinesOf(ui);
	const known = sparklines.get(pane);
	if (known !== undefined && Math.abs(now - known.at) < sparklinePace) return known.text;
	const text = drawSparkline(state, pane, now);
	sparklines.set(pane, {at: now, messages: windowOf(state, pane), text});
	return text;
}

/** Milliseconds between updates of a sparkline, however fast messages arrive. */
const sparklinePace = 1000;
const sparklinesOf = perRun(() => new Map<PaneId, Sparkline>());

interface Sparkline {
	/** When it was drawn, and of what. */
	readonly at: number;
	readonly messages: readonly Message[];
	readonly text: Printable;
}

function drawSparkline(state: State, pane: PaneId, now: number): Printable {
	const counts = Array.from<number>({length: minutes}).fill(0);
	let busiest = 0;
	for (const {age} of countedIn(state, pane, now)) {
		const slot = minutes - 1 - Math.max(0, age);
		counts[slot] = (counts[slot] ?? 0) + 1;
		busiest = Math.max(busiest, counts[slot] ?? 0);
	}
	if (busiest === 0) return p``;
	return joinPrintable(
		counts.map(count => bars.charAt(count === 0 ? 1 : Math.max(2, Math.round((count / busiest) * 8)))),
	);
}

/** When the messages that a sparkline counts were written, and how many minutes ago. */
function countedIn(state: State, pane: PaneId, now: number): {readonly at: number; readonly age: number}[] {
	const found: {at: number; age: number}[] = [];
	const messages = windowOf(state, pane);
	for (let index = messages.length - 1; index >= Math.max(0, messages.length - maxCounted); index--) {
		const at = Date.parse(messages[index]?.created_at ?? '');
		const age = Math.floor((now - at) / minute);
		if (age >= minutes) break;
		found.push({at, age});
	}
	return found;
}
