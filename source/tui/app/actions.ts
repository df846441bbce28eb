import {foldTag} from '../../mailbox/tag.ts';
import {openCompose, openTagPicker} from '../compose/keys.ts';
import type {Finder} from '../find/finder.ts';
import {numberKey} from '../model/arrangement.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {Layout} from '../model/layout.ts';
import {agentsPane, tasksPane, type PaneId} from '../model/pane-id.ts';
import {following, viewOf} from '../model/ui.ts';
import {selectedAgent} from '../panes/agents.ts';
import {stepBack} from '../panes/jump-list.ts';
import {loadShown} from '../panes/load-shown.ts';
import {moved, withView} from '../panes/navigate.ts';
import {nextUnread} from '../panes/next-unread.ts';
import {focusPane, paneAction} from '../panes/pane-keys.ts';
import {isApprovalAction, isPanelAction, isTimelineAction, type Action} from '../settings/actions.ts';
import {openTask} from '../tasks/card.ts';
import {taskKey} from '../tasks/task-keys.ts';
import {openTimeline, timelineKey} from '../timeline/keys.ts';
import {openRequests, type ApprovalContext} from '../approvals/requests.ts';
import {help} from './help.ts';
import {
	acknowledge,
	copyLink,
	copyText,
	openSelected,
	openLink,
	quoteSelected,
	reply,
	type MessageContext,
} from './message-keys.ts';
import {toggleMouse} from './mouse.ts';
import {askToQuit} from './quit.ts';
import {askToRedact} from './redact.ts';
import {undamp} from './undamp.ts';

/** Everything that an action may need. */
export interface ActionContext extends MessageContext, ApprovalContext {
	readonly finder: Finder;
	/** Whether unsent messages and the draft are kept for the next start. */
	readonly keeps: boolean;
	/** Redraws the whole screen. */
	readonly redraw: () => void;
	/** Stops the program and gives the terminal back to the shell. */
	readonly suspend: () => void;
	readonly quit: () => void;
	/** The first call asks for a second one, which quits. */
	readonly interrupt: () => void;
}

/** Performs an action. `key` is the key that was pressed; empty if the action was chosen from a list. */
export function perform(context: ActionContext, action: Action, key = ''): void {
	const {ui, finder} = context;
	if (isTimelineAction(action)) return timelineKey(context, action);
	if (isPanelAction(action) || isApprovalAction(action)) return;
	switch (action) {
		case 'focus_next':
		case 'focus_previous':
		case 'focus_left':
		case 'focus_right':
		case 'focus_tasks':
		case 'move_left':
		case 'move_right':
		case 'hide':
		case 'pin':
		case 'zoom':
		case 'unzoom':
			return paneAction(context, action);
		case 'next_unread':
			return void nextUnread(context);
		case 'focus_number':
			return focusPane(context, paneNumbered(layoutOf(ui.getState()), key));
		case 'down':
		case 'up':
		case 'half_down':
		case 'half_up':
		case 'page_down':
		case 'page_up':
		case 'oldest':
		case 'newest':
			return move(context, action);
		case 'open':
			return open(context);
		case 'quote':
			return quoteSelected(context);
		case 'copy':
			return copyText(context);
		case 'copy_link':
			return copyLink(context);
		case 'open_link':
			return openLink(context);
		case 'redact':
			return askToRedact(context);
		case 'back':
			return back(context);
		case 'compose':
			return openCompose(context, null);
		case 'reply':
			return reply(context);
		case 'task_add':
		case 'task_cancel':
		case 'task_retry':
		case 'task_assign':
		case 'task_up':
		case 'task_down':
		case 'task_message':
			return taskKey(context, action);
		case 'acknowledge':
			return acknowledge(context);
		case 'approvals':
			return openRequests(context);
		case 'undamp':
			return undamp(context);
		case 'tag':
		case 'pick_tag':
			return openTagPicker(context);
		case 'search':
		case 'filter':
		case 'palette':
		case 'hit_next':
		case 'hit_previous':
			return finder.act(action);
		case 'help':
			return ui.setState({overlay: help(ui)});
		case 'redraw':
			return context.redraw();
		case 'suspend':
			return context.suspend();
		case 'mouse':
			return toggleMouse(ui);
		case 'quit':
			return askToQuit(context);
		case 'interrupt':
			return context.interrupt();
		case 'timeline':
			return openTimeline(context);
		case 'search_sent':
		case 'edit_elsewhere':
		case 'send':
		case 'newline':
		case 'leave':
			return;
	}
}

function paneNumbered({numbers}: Layout, key: string): PaneId | undefined {
	return [...numbers].find(([, number]) => numberKey(number) === key)?.[0];
}

function move(context: ActionContext, motion: Parameters<typeof moved>[3]): void {
	const {store, ui} = context;
	const now = ui.getState();
	const next = moved(store.getState(), now, layoutOf(now), motion);
	ui.setState(next.ui);
	loadShown(context, now.focus, next.wants);
}

/** Opens what is selected in the focused pane: a task's card, an agent's channel, or a message's thread. */
function open(context: ActionContext): void {
	const {store, ui, focus} = context;
	const now = ui.getState();
	if (now.focus === tasksPane) return openTask(context);
	if (now.focus !== agentsPane) return openSelected(context);
	const tag = selectedAgent(store.getState(), now);
	if (tag !== null) focus(foldTag(tag));
}

/** Undoes the latest of these that applies: a notice, a search, a jump, a selection. */
function back(context: ActionContext): void {
	const {ui, finder} = context;
	const now = ui.getState();
	if (now.notice !== null) return ui.setState({notice: null});
	if (finder.end()) return;
	if (stepBack(context)) return;
	const view = viewOf(now, now.focus);
	if (view.selected !== null || view.anchor !== null) ui.setState(withView(now, now.focus, following));
	loadShown(context, now.focus, null);
}
