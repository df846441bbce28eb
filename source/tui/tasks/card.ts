import type {Task} from '../../mailbox/task.ts';
import {p} from '../../printable.ts';
import {linesScrolledBy} from '../model/card-keys.ts';
import type {Overlay, ScreenContext} from '../model/ui.ts';
import {cardRoom, taskCardLines, type TaskCard} from '../panes/task-card.ts';
import {taskList} from '../panes/task-rows.ts';
import {spansOf, textWidth, type Span} from '../screen/strip.ts';
import {isTaskAction} from '../settings/actions.ts';
import type {Keymap} from '../settings/keymap.ts';
import {theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {box} from '../view/box.ts';
import {sentenceOf} from './ask.ts';
import {selectedTask, taskKey} from './task-keys.ts';

/** Opens the selected task, or the first one, as a card over the panes. */
export function openTask(context: ScreenContext): void {
	const {store, ui} = context;
	const task = selectedTask(store.getState(), ui.getState()) ?? taskList(store.getState()).order[0];
	if (task !== undefined) showCard(context, task);
}

function showCard(context: ScreenContext, {id, result_table, lease_token}: Task): void {
	const {store, ui} = context;
	let card: TaskCard = {id, attempts: [], table: result_table === null ? null : 'reading'};
	const change = (changed: Partial<TaskCard>): void => {
		card = {...card, ...changed};
		// Redraw.
		ui.setState({});
	};
	ui.setState({overlay: cardFrom(context, () => card, 0)});
	if (lease_token > 0) {
		// The card is useful without them.
		store.readAttempts(id).then(
			attempts => change({attempts}),
			() => undefined,
		);
	}
	if (result_table === null) return;
	store.readTable(result_table).then(
		table => change({table}),
		(error: unknown) => change({table: {failure: sentenceOf(error)}}),
	);
}

/** The card, scrolled down by `top` lines. */
function cardFrom(context: ScreenContext, cardNow: () => TaskCard, top: number): Overlay {
	const {store, ui} = context;
	const overlay: Overlay = {
		draw({state, ui: {columns, rows}, ui: now, now: at}) {
			const {width, height} = cardRoom(columns, rows);
			const lines = taskCardLines(state, cardNow(), width, at);
			const shown = lines.slice(top, top + height).map(spansOf);
			const hidden = lines.length - top - shown.length;
			return box(now, [...shown, [], footer(now.keymap, width, hidden)], rows < 16);
		},
		key(key) {
			const action = ui.getState().keymap.actionOf('tasks', key);
			const step = linesScrolledBy(action);
			if (step !== undefined) {
				const {columns, rows} = ui.getState();
				const {width, height} = cardRoom(columns, rows);
				const last = taskCardLines(store.getState(), cardNow(), width, Date.now()).length - height;
				const next = Math.max(0, Math.min(top + step, last));
				return ui.setState({overlay: cardFrom(context, cardNow, next)});
			}
			if (action === 'back' || action === 'open' || action === 'quit') return ui.setState({overlay: null});
			if (action !== undefined && isTaskAction(action)) taskKey(context, action, {id: cardNow().id, overlay});
		},
	};
	return overlay;
}

/** How many lines are below, and the keys, as many as fit. */
function footer({keyFor, hints}: Keymap, width: number, hidden: number): Span[] {
	const more: Span[] =
		hidden > 0 ? [{text: p`${counted(hidden, 'more line')} · ${keyFor('down')}`, style: theme.warn}] : [];
	const line: Span[] = [...more];
	let room = width - more.reduce((sum, {text}) => sum + textWidth(text), 0);
	const keys = hints('tasks', false).filter(({hint}) => !notOnCard.has(hint));
	for (const {label, hint} of [{label: keyFor('back'), hint: p`back`}, ...keys]) {
		const gap = line.length === 0 ? p`` : p`  `;
		room -= gap.length + textWidth(label) + 1 + textWidth(hint);
		if (room < 0) break;
		line.push({text: p`${gap}${label}`, style: theme.strong}, {text: p` ${hint}`, style: theme.grey});
	}
	// Padded to the maximum width, so that the card keeps its size while it is scrolled.
	return [
		...line,
		{text: p` `.repeat(Math.max(0, width - line.reduce((sum, {text}) => sum + textWidth(text), 0))), style: theme.text},
	];
}

const notOnCard: ReadonlySet<string> = new Set(['open', 'add']);
