import {isShared, presenceOf} from '../../mailbox/agent.ts';
import type {Busy} from '../../mailbox/event.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {stalledPlans, tasksByStatus, waitingForMe} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {numberKey} from '../model/arrangement.ts';
import {layoutOf} from '../model/current-layout.ts';
import {draftsBeside} from '../model/draft.ts';
import {isChannelPane, type PaneId} from '../model/pane-id.ts';
import {paneName} from '../panes/header.ts';
import {justify, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {style, lookOf} from '../screen/style.ts';
import {focusedTint, tagStyle, theme} from '../settings/theme.ts';
import {homeOf, type Ui} from '../model/ui.ts';
import {unreadIn, unreadLabel} from '../model/unread.ts';
import {counted, duration} from '../settings/words.ts';

/**
 * The first row: the mailbox's name, the channels without a pane on the screen, and the status. `now`: milliseconds since 1970.
 */
export function topLine(state: State, ui: Ui, name: string, now: number): Strip {
	const {columns, motion} = ui;
	const {kind, numbers, tabs: names} = layoutOf(ui);
	const right = statusSpans(state, {roomy: kind === 'wide', columns, shown: motion ? now : null}, now);
	const asks = approvalSpans(state, ui);
	right.splice(-1, 0, ...asks);
	const left: Span[] = [{text: p` agentmux`, style: theme.strong}];
	if (kind === 'wide') left.push({text: p`  ${printable(name)}`, style: theme.grey});
	const room = columns - widthOf(left) - widthOf(right) - 2;
	left.push({text: p`  `, style: theme.text}, ...tabs(state, ui, names, numbers, room));
	return justify(left, right, columns);
}

/** How many agents wait for a permission, and the key that shows it. */
function approvalSpans({approvals}: State, {keymap}: Ui): Span[] {
	if (approvals.length === 0) return [];
	return [{text: p`  ${keymap.keyFor('approvals')} ${counted(approvals.length, 'approval')}`, style: theme.warnStrong}];
}

function widthOf(line: readonly Span[]): number {
	return line.reduce((width, {text}) => width + textWidth(text), 0);
}

/** As many tabs as fit, around the focused one, then the number of the others, and of those with unread messages. */
function tabs(
	state: State,
	ui: Ui,
	names: readonly PaneId[],
	numbers: ReadonlyMap<PaneId, number>,
	room: number,
): Span[] {
	const focus = homeOf(ui, ui.focus);
	const all = names.map(id => ({id, line: tab(state, ui, id, numberKey(numbers.get(id)), id === focus)}));
	const at = Math.max(0, names.indexOf(focus));
	const fits = all.reduce((width, {line}) => width + widthOf(line), 0) <= room;
	const anyUnread = !fits && names.some(id => unreadIn(state, id) > 0);
	let left = fits ? room : room - ` +${all.length}${anyUnread ? ` · ${all.length} unread` : ''}`.length;
	let [from, to] = [at, at];
	// Grow to both sides from the focused one.
	for (let grew = true; grew;) {
		grew = false;
		const next = all[to];
		if (next !== undefined && widthOf(next.line) <= left) {
			left -= widthOf(next.line);
			to++;
			grew = true;
		}
		const previous = all[from - 1];
		if (previous !== undefined && widthOf(previous.line) <= left) {
			left -= widthOf(previous.line);
			from--;
			grew = true;
		}
	}
	const over = [...all.slice(0, from), ...all.slice(to)];
	const unread = over.filter(({id}) => unreadIn(state, id) > 0).length;
	return [
		...all.slice(from, to).flatMap(({line}) => line),
		{text: over.length > 0 ? p` +${over.length}` : p``, style: theme.grey},
		{text: unread > 0 ? p` · ${unread} unread` : p``, style: theme.warnStrong},
	];
}

function tab(state: State, ui: Ui, id: PaneId, number: Printable, focused: boolean): Span[] {
	const name = printable(paneName(state, id));
	const unread = unreadLabel(state, id);
	const colour = isChannelPane(id) ? tagStyle(name) : theme.grey;
	const look = focused ? style({...lookOf(colour), bg: focusedTint, bold: true, underline: false}) : colour;
	return [
		{text: p` ${number === '' ? '' : p`${number} `}${name}`, style: look},
		{text: unread === '' ? p`` : p`·${unread}`, style: unread === '' || focused ? look : theme.warnStrong},
		{text: draftsBeside(ui, id) === 0 ? p` ` : p` ✎ `, style: look},
	];
}

/** `shown`: the time to count down from; null to show no countdown. */
interface Room {
	readonly roomy: boolean;
	readonly columns: number;
	readonly shown: number | null;
}

/** Connection, counts, and what waits for the human. */
function statusSpans(state: State, {roomy, columns, shown}: Room, now: number): Span[] {
	const unsent = state.pending.filter(({phase}) => phase !== 'sending').length;
	const spans = connectionWords(state, unsent, {isLong: columns >= 100, now: shown});
	if (!state.loaded) {
		// While loading, counts would be wrong, and channels have no panes yet.
		const reading =
			state.connection.phase === 'live' && state.busy === null ? [{text: p`◌ reading`, style: theme.grey}] : spans;
		return [...reading, {text: p` `, style: theme.text}];
	}
	if (roomy) {
		const agents = [...state.agents.values()].filter(
			agent => agent.kind === 'agent' && agent.revoked_at === null && presenceOf(agent, now) !== 'gone',
		).length;
		const stalled = stalledPlans(state, now);
		const running = tasksByStatus(state, 'running').filter(task => !stalled.includes(task)).length;
		if (agents > 0) spans.push({text: p`  ${counted(agents, 'agent')}`, style: theme.grey});
		if (running > 0) spans.push({text: p`  ${running} running`, style: theme.grey});
		if (stalled.length > 0) spans.push({text: p`  ${stalled.length} stalled`, style: theme.warn});
	}
	const damped = [...state.agents.values()].filter(agent => agent.damped !== null && agent.revoked_at === null);
	if (damped.length > 0) {
		const [first] = damped;
		const words =
			damped.length === 1 && first !== undefined
				? p`loop damped: ${printable(first.tag)}`
				: p`${damped.length} loops damped`;
		spans.push({text: p`  ${words}`, style: theme.warnStrong});
	}
	const shared = [...state.agents.values()].find(agent => isShared(agent, now));
	if (shared !== undefined) {
		const words = p`${shared.sessions} sessions as ${printable(shared.tag)}`;
		spans.push({
			text: p`  ${roomy ? words : p`${shared.sessions}× ${printable(shared.tag)}`}`,
			style: theme.warnStrong,
		});
	}
	const waiting = waitingForMe(state).length;
	if (waiting > 0) spans.push({text: p`  ${waiting} for you`, style: theme.warnStrong});
	spans.push({text: p` `, style: theme.text});
	return spans;
}

/** The state of the connection as a sign and in words; without `now`, there is no countdown. */
function connectionWords(
	{connection, busy}: Pick<State, 'connection' | 'busy'>,
	unsent: number,
	{isLong, now}: {readonly isLong: boolean; readonly now: number | null},
): Span[] {
	const waits: Span = {text: unsent > 0 ? p` · ${unsent} unsent` : p``, style: theme.warn};
	if (busy !== null) return [{text: p`◌ ${busyWords(busy, isLong, now)}`, style: theme.warn}, waits];
	switch (connection.phase) {
		case 'live':
			return [{text: p`●`, style: theme.good}, {text: p` live`, style: theme.grey}, waits];
		case 'connecting':
			return [{text: p`◌ connecting`, style: theme.grey}, waits];
		case 'catching_up':
			return [{text: p`◌ catching up`, style: theme.warn}, waits];
		case 'offline': {
			const wait = now === null ? 0 : connection.retry_at - now;
			const words = wait > 0 ? p`retrying in ${duration(wait)}` : 'retrying';
			return [{text: p`◌ offline, ${words}`, style: theme.warn}, waits];
		}
	}
}

/** The statement that everyone waits for; it is only reported after it has run for a second. */
function busyWords({who, since}: Busy, isLong: boolean, now: number | null): Printable {
	const time = now === null ? p`` : p` ${duration(Math.max(1000, now - since))}`;
	if (!isLong) return p`busy${time}`;
	return p`busy: a statement of ${printable(who)} has run${now === null ? p` long` : p` for${time}`}`;
}
