import type {Task} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {statusOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {draftAt, withDraft} from '../model/draft.ts';
import {isTaskAction, type Action, type TaskAction} from '../settings/actions.ts';
import {tasksPane} from '../model/pane-id.ts';
import {scopeOf} from '../model/scope.ts';
import {latestMessageAboutTask} from '../panes/references.ts';
import {openThread} from '../panes/jump-list.ts';
import {viewOf, type Ui, type Overlay, type ScreenContext} from '../model/ui.ts';
import {ask, sentenceOf} from './ask.ts';
import {assignPicker} from './assign.ts';
import {cancelQuestion} from './cancel.ts';

/** The action of a key in the current scope. Without a selected task, a task key has its meaning in `read`. */
export function actionHere({store, ui}: ScreenContext, key: string): Action | undefined {
	const now = ui.getState();
	const scope = scopeOf(now);
	const action = now.keymap.actionOf(scope, key);
	const isIdle =
		action !== undefined &&
		isTaskAction(action) &&
		action !== 'task_add' &&
		selectedTask(store.getState(), now) === undefined;
	const elsewhere = now.keymap.actionOf('read', key);
	// No message is selected in this pane either.
	return isIdle && elsewhere !== 'redact' ? (elsewhere ?? action) : action;
}

/** The open card and its task. */
interface Card {
	readonly id: number;
	readonly overlay: Overlay;
}

/** Handles a task key, for the card's task or else the one selected in the pane. */
export function taskKey(context: ScreenContext, action: TaskAction, card?: Card): void {
	const {store, ui} = context;
	if (action === 'task_add') return writeTask(context);
	const state = store.getState();
	const task = card === undefined ? selectedTask(state, ui.getState()) : state.tasks.get(card.id);
	if (task === undefined) {
		const {keyFor} = ui.getState().keymap;
		return ui.setState({notice: `Select a task first, with ${keyFor('down')} and ${keyFor('up')}.`});
	}
	const {id} = task;
	const status = statusOf(state, task);
	const isOver = status !== 'queued' && status !== 'running';
	const previous = card?.overlay ?? null;
	switch (action) {
		case 'task_cancel':
			if (isOver) return ui.setState({notice: `Task #${id} is ${status}: there is nothing to cancel.`});
			return ui.setState({overlay: cancelQuestion(context, id, previous)});
		case 'task_retry':
			return ask(context, tasks => tasks.retry(id), `Task #${id} is queued again.`);
		case 'task_assign':
			// A plan can be assigned while some of its steps have not begun.
			if (task.status !== 'queued') {
				const has = task.lease_owner === null ? `it is ${status}` : `${printable(task.lease_owner)} has it`;
				return ui.setState({notice: `Task #${id} cannot be assigned: ${has}.`});
			}
			return ui.setState({overlay: assignPicker(context, id, previous)});
		case 'task_message':
			return void openAsked(context, task);
		case 'task_up':
			return move(context, task, 1);
		case 'task_down':
			return move(context, task, -1);
	}
}

/** The task that is selected in the pane. */
export function selectedTask(state: State, ui: Ui): Task | undefined {
	const {selected} = viewOf(ui, tasksPane);
	return selected === null ? undefined : state.tasks.get(Number(selected));
}

/** Opens the thread in which a task was asked for, or else last mentioned, and closes its card. */
async function openAsked({store, ui}: ScreenContext, {id, message_id}: Task): Promise<void> {
	try {
		const asked = message_id === null ? null : await store.find(message_id);
		const message = asked ?? latestMessageAboutTask(store.getState(), id);
		if (message === null) return ui.setState({notice: `No loaded message mentions #${id}.`});
		ui.setState({overlay: null});
		openThread({store, ui}, message);
	} catch (error) {
		ui.setState({notice: sentenceOf(error)});
	}
}

/** Begins a task in the compose line, or goes on with the draft that was begun in this pane. */
function writeTask({ui}: ScreenContext): void {
	const text = '/task ';
	const task = {editor: {text, cursor: text.length}, prefill: '', reply: null, place: tasksPane};
	ui.setState(now => ({...withDraft(now, draftAt(now, tasksPane) ?? task), mode: 'compose', overlay: null}));
}

/** Priorities that were requested and not confirmed yet, so that every key counts when they are pressed fast. */
const wanted = new WeakMap<ScreenContext['store'], Map<number, number>>();

function move({store, ui}: ScreenContext, {id, priority}: Task, step: 1 | -1): void {
	const asked = wanted.get(store) ?? new Map<number, number>();
	wanted.set(store, asked);
	const isAsked = asked.has(id);
	asked.set(id, (asked.get(id) ?? priority) + step);
	if (!isAsked) send();

	function send(): void {
		const goal = asked.get(id) ?? priority;
		store
			.changeTasks(tasks => tasks.prioritise(id, goal))
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
