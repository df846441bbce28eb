import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {statusOf, stepsOf} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {scrollOf} from '../model/card-keys.ts';
import {setCompose, type ComposeContext} from '../model/draft.ts';
import {freshPicker, picked} from '../model/picker.ts';
import {offeredTags} from '../model/tags.ts';
import {isTaskAction, type Action, type TaskAction} from '../settings/actions.ts';
import {tasksPane} from '../model/pane-id.ts';
import {scopeOf} from '../model/scope.ts';
import {messageAbout} from '../panes/references.ts';
import {openThread} from '../panes/jump-list.ts';
import {lastTop} from '../panes/task-card.ts';
import {taskList} from '../panes/task-rows.ts';
import {hasDraft, viewOf, type TaskCard, type TaskOverlay, type Ui} from '../model/ui.ts';

type Context = Pick<ComposeContext, 'store' | 'ui'>;

/** What a key means where the human is: in the pane of tasks, what it does to the chosen one, if there is one. */
export function actionHere({store, ui}: Context, key: string): Action | undefined {
	const now = ui.getState();
	const scope = scopeOf(now);
	const action = now.keymap.actionOf(scope, key);
	const isIdle =
		action !== undefined &&
		isTaskAction(action) &&
		action !== 'task_add' &&
		chosenTask(store.getState(), now) === undefined;
	const elsewhere = now.keymap.actionOf('read', key);
	// No message is chosen in this pane either.
	return isIdle && elsewhere !== 'redact' ? (elsewhere ?? action) : action;
}

/** One key on the chosen task, in the pane or on its card. */
export function taskKey(context: Context, action: TaskAction): void {
	const {store, ui} = context;
	if (action === 'task_add') return writeTask(context);
	const task = chosenTask(store.getState(), ui.getState());
	if (task === undefined) {
		const {keymap} = ui.getState();
		return ui.setState({notice: `Choose a task first, with ${keymap.keyFor('down')} and ${keymap.keyFor('up')}.`});
	}
	const {id} = task;
	const status = statusOf(store.getState(), task);
	const isOver = status !== 'queued' && status !== 'running';
	const {overlay} = ui.getState();
	const under = overlay?.kind === 'task' ? overlay : null;
	switch (action) {
		case 'task_cancel':
			if (isOver) return ui.setState({notice: `Task #${id} is ${status}: there is nothing to cancel.`});
			return ui.setState({overlay: {kind: 'cancel', id, under}});
		case 'task_retry':
			return ask(context, tasks => tasks.retry(id), `Task #${id} is queued again.`);
		case 'task_assign':
			// A plan is handed on as long as some of it is not begun.
			if (task.status !== 'queued') {
				const has = task.lease_owner === null ? `it is ${status}` : `${printable(task.lease_owner)} has it`;
				return ui.setState({notice: `Task #${id} cannot be assigned: ${has}.`});
			}
			return ui.setState({overlay: {kind: 'assign', id, under, ...freshPicker}});
		case 'task_message':
			return void openAsked(context, task);
		case 'task_up':
			return move(context, task, 1);
		case 'task_down':
			return move(context, task, -1);
	}
}

/** What the keys act on: the task whose card is open, else the one chosen in the pane. */
function chosenTask(state: State, ui: Ui): Task | undefined {
	const {overlay} = ui;
	if (overlay?.kind === 'task') return state.tasks.get(overlay.id);
	const {selected} = viewOf(ui, tasksPane);
	return selected === null ? undefined : state.tasks.get(Number(selected));
}

/** The thread in which a task was asked for, or else spoken of last; its card closes. */
async function openAsked({store, ui}: Context, {id, message_id}: Task): Promise<void> {
	try {
		const asked = message_id === null ? null : await store.find(message_id);
		const message = asked ?? messageAbout(store.getState(), id);
		if (message === null) return ui.setState({notice: `No message that is held speaks of #${id}.`});
		ui.setState({overlay: null});
		openThread({store, ui}, message);
	} catch (error) {
		ui.setState({notice: sentenceOf(error)});
	}
}

/** Begins a task in the compose line; a draft that stands there is not overwritten. */
function writeTask(context: Context): void {
	const {ui} = context;
	if (hasDraft(ui.getState().compose))
		return ui.setState({notice: 'A draft is open: send it first, then add the task.'});
	const text = '/task ';
	setCompose(
		{...context, editElsewhere: null},
		{editor: {text, cursor: text.length}, prefill: '', reply: null, error: null},
	);
	ui.setState({mode: 'compose', overlay: null});
}

/** Opens the chosen task, or the first one, as a card over the panes. */
export function openTask(context: Context): void {
	const {store, ui} = context;
	const task = chosenTask(store.getState(), ui.getState()) ?? taskList(store.getState()).order[0];
	if (task !== undefined) showCard(context, task);
}

function showCard({store, ui}: Context, {id, result_table}: Task): void {
	ui.setState({overlay: {kind: 'task', id, top: 0, table: result_table === null ? null : 'reading'}});
	if (result_table === null) return;
	const put = (table: TaskCard['table']): void => {
		const {overlay} = ui.getState();
		if (overlay?.kind === 'task' && overlay.id === id) ui.setState({overlay: {...overlay, table}});
	};
	store.readTable(result_table).then(put, (error: unknown) => put({failure: sentenceOf(error)}));
}

export function isTaskOverlay(overlay: NonNullable<Ui['overlay']>): overlay is TaskOverlay {
	return overlay.kind === 'task' || overlay.kind === 'cancel' || overlay.kind === 'assign';
}

/** One key while a task's card, a question about it, or the picker of whom it is for stands over the panes. */
export function taskOverlayKey(context: Context, overlay: TaskOverlay, key: string): void {
	switch (overlay.kind) {
		case 'task':
			return cardKey(context, overlay, key);
		case 'cancel': {
			const {id, under} = overlay;
			context.ui.setState({overlay: under});
			if (key === 'y') ask(context, tasks => tasks.cancel(id), `Task #${id} is cancelled.`);
			return;
		}
		case 'assign':
			return assignKey(context, overlay, key);
	}
}

function cardKey(context: Context, card: TaskCard, key: string): void {
	const {store, ui} = context;
	const action = ui.getState().keymap.actionOf('tasks', key);
	const step = scrollOf(action);
	if (step !== undefined) {
		const last = lastTop(store.getState(), card, ui.getState(), Date.now());
		return ui.setState({overlay: {...card, top: Math.max(0, Math.min(card.top + step, last))}});
	}
	if (action === 'back' || action === 'open' || action === 'quit') return ui.setState({overlay: null});
	if (action !== undefined && isTaskAction(action)) taskKey(context, action);
}

/** Whom a task may be given to: anybody (empty) where it is somebody's, then every tag that fits. */
export function assignees(state: State, id: number, filter: string): Tag[] {
	const isSomebodys = filter === '' && (state.tasks.get(id)?.assignee ?? null) !== null;
	return [...(isSomebodys ? [''] : []), ...offeredTags(state, filter)];
}

function assignKey(context: Context, overlay: TaskOverlay & {readonly kind: 'assign'}, key: string): void {
	const {store, ui} = context;
	const {id, under} = overlay;
	const names = assignees(store.getState(), id, overlay.filter);
	const {keymap} = ui.getState();
	const action = keymap.actionOf('panel', key);
	if (action === 'panel_close') return ui.setState({overlay: under});
	if (action === 'panel_take') {
		const tag = names[overlay.index];
		if (tag === undefined) return;
		ui.setState({overlay: under});
		const words = tag === '' ? 'whoever asks first' : `${tag} alone`;
		return ask(context, tasks => tasks.assign(id, tag === '' ? null : tag), `Task #${id} is for ${words}.`);
	}
	const next = picked(keymap, overlay, key, names.length);
	if (next !== null) ui.setState({overlay: {...overlay, ...next}});
}

/** Asks the mailbox, and says what came of it. */
function ask({store, ui}: Context, request: (tasks: Mailbox['tasks']) => Promise<Task>, done: string): void {
	store.askTasks(request).then(
		() => ui.setState({notice: done}),
		(error: unknown) => ui.setState({notice: sentenceOf(error)}),
	);
}

/** Priorities that were asked for and are not answered yet, so that keys pressed fast all count. */
const wanted = new WeakMap<Context['store'], Map<number, number>>();

function move({store, ui}: Context, {id, priority}: Task, step: 1 | -1): void {
	const asked = wanted.get(store) ?? new Map<number, number>();
	wanted.set(store, asked);
	const isAsked = asked.has(id);
	asked.set(id, (asked.get(id) ?? priority) + step);
	if (!isAsked) send();

	function send(): void {
		const goal = asked.get(id) ?? priority;
		store
			.askTasks(tasks => tasks.prioritise(id, goal))
			.then(
				() => {
					if (asked.get(id) !== goal) return send();
					asked.delete(id);
					return ui.setState({notice: `Task #${id} has priority ${goal}.`});
				},
				(error: unknown) => {
					asked.delete(id);
					ui.setState({notice: sentenceOf(error)});
				},
			);
	}
}

function sentenceOf(error: unknown): string {
	return printable(error instanceof MailboxError ? error.sentence : String(error));
}

/** How many steps below a task are neither done nor dropped. */
export function openSteps(state: State, id: number): number {
	return stepsOf(state, id).reduce((count, step) => {
		const isOpen = step.status === 'queued' || step.status === 'running';
		return count + (isOpen && stepsOf(state, step.id).length === 0 ? 1 : 0) + openSteps(state, step.id);
	}, 0);
}
