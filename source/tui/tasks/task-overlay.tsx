import type {Keymap} from '../settings/keymap.ts';
import {joinPrintable, p, printable} from '../../printable.ts';
import {statusOf, stepsOf} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {useMailbox, useSurroundings, useTick, useUi} from '../view/context.ts';
import {cardRoom, taskCardLines} from '../panes/task-card.ts';
import {ownersIn} from '../panes/task-words.ts';
import {Panel} from '../view/panel.tsx';
import {spansOf, textWidth, type Span} from '../screen/strip.ts';
import {TagPicker} from './tag-picker.tsx';
import {assignees, openSteps} from './task-keys.ts';
import {theme} from '../settings/theme.ts';
import type {TaskCard, TaskOverlay as Shown} from '../model/ui.ts';
import {counted} from '../settings/words.ts';

/** What stands over the panes while the human looks at a task, or acts on it. */
export function TaskOverlay({overlay}: {readonly overlay: Shown}) {
	const {store} = useSurroundings();
	switch (overlay.kind) {
		case 'task':
			return <Card card={overlay} />;
		case 'cancel':
			return <Panel lines={question(store.getState(), overlay.id)} />;
		case 'assign': {
			const names = assignees(store.getState(), overlay.id, overlay.filter);
			return <TagPicker title={p`#${overlay.id} is for  `} names={names} picker={overlay} />;
		}
	}
}

function Card({card}: {readonly card: TaskCard}) {
	const {store, now} = useSurroundings();
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const keymap = useUi(ui => ui.keymap);
	useMailbox(state => fingerprint(state, card.id));
	// Leases and waits count down.
	useTick(1000);
	const {width, height} = cardRoom(columns, rows);
	const lines = taskCardLines(store.getState(), card, width, now());
	const shown = lines.slice(card.top, card.top + height).map(spansOf);
	const hidden = lines.length - card.top - shown.length;
	return <Panel lines={[...shown, [], footer(keymap, width, hidden)]} tight={rows < 16} />;
}

/** The keys that matter here, as many as fit, and how much is below. */
function footer(keymap: Keymap, width: number, hidden: number): Span[] {
	const more: Span[] =
		hidden > 0 ? [{text: p`${counted(hidden, 'more line')} · ${keymap.keyFor('down')}`, style: theme.warn}] : [];
	const line: Span[] = [...more];
	let room = width - more.reduce((sum, {text}) => sum + textWidth(text), 0);
	const keys = keymap.hints('tasks', false).filter(({hint}) => !notOnCard.has(hint));
	for (const {label, hint} of [{label: keymap.keyFor('back'), hint: p`back`}, ...keys]) {
		const gap = line.length === 0 ? p`` : p`  `;
		room -= gap.length + textWidth(label) + 1 + textWidth(hint);
		if (room < 0) break;
		line.push({text: p`${gap}${label}`, style: theme.strong}, {text: p` ${hint}`, style: theme.grey});
	}
	// As wide as the card may be, so that it does not change its size while one scrolls.
	return [
		...line,
		{text: p` `.repeat(Math.max(0, width - line.reduce((sum, {text}) => sum + textWidth(text), 0))), style: theme.text},
	];
}

const notOnCard: ReadonlySet<string> = new Set(['open', 'add']);

/** What is asked before a task is cancelled: what of it ends, and who is at work on it. */
function question(state: State, id: number): Span[][] {
	const task = state.tasks.get(id);
	const open = openSteps(state, id);
	const title = printable((task?.title ?? '').slice(0, 60));
	const lines: Span[][] = [
		[
			{text: p`Cancel `, style: theme.strong},
			{text: p`#${id} `, style: theme.task},
			{text: title, style: theme.strong},
			{text: open > 0 ? p` with its ${counted(open, 'open step')}?` : p`?`, style: theme.strong},
		],
	];
	const owners = task === undefined ? [] : [...new Set(ownersIn(state, task))].map(printable);
	if (owners.length > 0) {
		const are = owners.length === 1 ? 'is' : 'are';
		lines.push([
			{text: p`${joinPrintable(owners, ', ')} ${are} at work on it, and will find the lease lost.`, style: theme.warn},
		]);
	}
	lines.push([
		{text: p`y`, style: theme.strong},
		{text: p` cancel it   `, style: theme.grey},
		{text: p`any other key`, style: theme.strong},
		{text: p` keep it`, style: theme.grey},
	]);
	return lines;
}

/** Changes when the card does. */
function fingerprint(state: State, id: number): string {
	const task = state.tasks.get(id);
	if (task === undefined) return '';
	const steps = stepsOf(state, id).map(step => `${statusOf(state, step)} ${step.updated_at}`);
	return [task.updated_at, ...steps].join();
}
