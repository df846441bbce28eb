import {foldTag} from '../../mailbox/tag.ts';
import {belongs} from '../../store/feed.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {isWaitingFor, waitingForMe} from '../../store/select.ts';
import type {ComposeContext} from '../model/draft.ts';
import {composeKey, composePaste, composeType, openCompose, openTagPicker} from '../compose/keys.ts';
import {
	isPanelAction,
	isTimelineAction,
	type Action,
	type PanelAction,
	type TimelineAction,
} from '../settings/actions.ts';
import {numberKey} from '../model/arrangement.ts';
import {layoutOf} from '../model/current-layout.ts';
import {type Layout} from '../model/layout.ts';
import {agentsPane, hasMessages, tasksPane, type PaneId} from '../model/pane-id.ts';
import {createFinder} from '../find/finder.ts';
import type {ProgramCommand} from '../model/palette.ts';
import type {Input} from '../terminal/keyboard.ts';
import {lookBack, releaseFollowed} from '../panes/look-back.ts';
import {copyLink, copyText, openLink, openSelected, quoteSelected, type MessageContext} from './message-keys.ts';
import type {Platform} from '../terminal/platform.ts';
import {keepFocusVisible, reveal, stepBack} from '../panes/jump-list.ts';
import {currentEntry, moved, newestSeen, withView} from '../panes/navigate.ts';
import {openTask} from '../tasks/card.ts';
import {actionHere, taskKey} from '../tasks/task-keys.ts';
import {focusPane, paneAction} from '../panes/pane-keys.ts';
import {help} from './help.ts';
import {askToQuit} from './quit.ts';
import {askToRedact} from './redact.ts';
import {selectedAgent} from '../panes/agents.ts';
import {nextUnread} from '../panes/next-unread.ts';
import {rememberLastLooks} from '../model/unread.ts';
import {openTimeline, timelineKey} from '../timeline/keys.ts';
import {createPointer, toggleMouse, type MouseReport} from './mouse.ts';
import {following, viewOf, type Ui, type UiStore} from '../model/ui.ts';

/** More than this many fit on no screen. */
const shownAtOnce = 30;

export interface Controller {
	/** What was typed, or done with the mouse. */
	input(input: Input | MouseReport): void;
	/** The focused pane shows its newest message: it counts as read. */
	markSeen(): void;
	readonly layout: () => Layout;
}

export interface ControllerOptions {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Draws everything anew (^L). */
	readonly redraw: () => void;
	/** Gives the terminal back to the shell for a while (^Z). */
	readonly suspend: () => void;
	/** The glyphs of a row of the screen, one a column. */
	readonly rowOf: (y: number) => readonly string[];
	readonly quit: () => void;
	/** Absent where there is no terminal to give to an editor. */
	readonly editElsewhere?: ComposeContext['editElsewhere'];
	/** The program's commands in a shell, for the palette; none when absent. */
	readonly commands?: () => Promise<readonly ProgramCommand[]>;
	/** Absent where there is no terminal. */
	readonly platform?: Platform;
	/** What is not sent yet comes back at the next start. */
	readonly keeps?: boolean;
}

function paneNumbered({numbers}: Layout, key: string): PaneId | undefined {
	return [...numbers].find(([, number]) => numberKey(number) === key)?.[0];
}

/** What keys do: each changes the ui's state, or asks something of the store. */
export function createController(options: ControllerOptions): Controller {
	const {store, ui, redraw, suspend, rowOf, quit} = options;
	const {editElsewhere = null, platform = null, keeps = false, commands = async () => []} = options;
	const set = (next: Partial<Ui>) => ui.setState(next);
	const focus = (pane: PaneId) => focusPane({store, ui}, pane);
	const context: MessageContext = {store, ui, editElsewhere, platform, focus};
	const finder = createFinder({
		store,
		ui,
		context,
		focus,
		act: action => (isTimelineAction(action) || isPanelAction(action) ? undefined : act(action, '')),
		commands,
	});
	const lastSeen = new Map<string, number>();
	let interrupted = 0;
	rememberLastLooks({store, ui});
	keepFocusVisible(ui);
	releaseFollowed({store, ui});

	function read(key: string): void {
		const action = actionHere(context, key);
		if (action === undefined) return;
		if (isTimelineAction(action)) timelineKey(context, action);
		else if (!isPanelAction(action)) act(action, key);
	}

	function act(action: Exclude<Action, TimelineAction | PanelAction>, key: string): void {
		const now = ui.getState();
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
				return focusPane(context, paneNumbered(layoutOf(now), key));
			case 'down':
			case 'up':
			case 'half_down':
			case 'half_up':
			case 'page_down':
			case 'page_up':
			case 'oldest':
			case 'newest':
				return move(action);
			case 'open':
				return open();
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
				return back();
			case 'compose':
				return openCompose(context, null);
			case 'reply':
				return reply();
			case 'task_add':
			case 'task_cancel':
			case 'task_retry':
			case 'task_assign':
			case 'task_up':
			case 'task_down':
			case 'task_message':
				return taskKey(context, action);
			case 'acknowledge':
				return acknowledge();
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
				return set({overlay: help(ui)});
			case 'redraw':
				return redraw();
			case 'suspend':
				return suspend();
			case 'mouse':
				return toggleMouse(ui);
			case 'quit':
				return askToQuit({store, ui, keeps, quit});
			case 'interrupt':
				return interrupt();
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

	function move(motion: Parameters<typeof moved>[3]): void {
		const now = ui.getState();
		const next = moved(store.getState(), now, layoutOf(now), motion);
		ui.setState(next.ui);
		lookBack(context, now.focus, next.wants);
	}

	function open(): void {
		const now = ui.getState();
		if (now.focus === tasksPane) return openTask(context);
		if (now.focus !== agentsPane) return openSelected(context);
		const tag = selectedAgent(store.getState(), now);
		if (tag !== null) focus(foldTag(tag));
	}

	function back(): void {
		const now = ui.getState();
		if (now.notice !== null) return set({notice: null});
		if (finder.end()) return;
		if (stepBack(context)) return;
		const view = viewOf(now, now.focus);
		if (view.selected !== null || view.anchor !== null) ui.setState(withView(now, now.focus, following));
		lookBack(context, now.focus, null);
	}

	function reply(): void {
		const now = ui.getState();
		const entry = hasMessages(now.focus) ? currentEntry(store.getState(), now) : undefined;
		if (entry === undefined) return set({notice: 'There is no message to reply to here.'});
		openCompose(context, entry);
		reveal(context, now.focus);
	}

	function acknowledge(): void {
		const state = store.getState();
		const entry = hasMessages(ui.getState().focus) ? currentEntry(state, ui.getState()) : undefined;
		const me = state.identity?.tag;
		if (entry?.kind !== 'message' || me === undefined || !isWaitingFor(state, entry.message, me)) {
			return set({notice: 'This message does not wait for you.'});
		}
		void store.acknowledge([entry.message.id], 'acked');
	}

	function interrupt(): void {
		const now = Date.now();
		if (now - interrupted < 2000) return quit();
		interrupted = now;
		set({notice: 'Press ^C again to quit.'});
	}

	function press(key: string): void {
		const {mode, overlay, notice, timeline, keymap} = ui.getState();
		if (notice !== null && key !== 'escape') set({notice: null});
		if (keymap.actionOf(mode, key) === 'suspend') return suspend();
		if (overlay !== null) return keymap.actionOf('panel', key) === 'interrupt' ? interrupt() : overlay.key(key);
		if (timeline !== null) return read(key);
		if (mode === 'read') return read(key);
		const action = keymap.actionOf('compose', key);
		if (action === 'redraw' || action === 'interrupt') return act(action, key);
		composeKey(context, key);
	}

	function markSeen(): void {
		const now = ui.getState();
		const state = store.getState();
		if (!state.loaded || now.timeline !== null) return;
		const id = newestSeen(state, now);
		if (id === 0) return;
		const feed = now.focus;
		if (lastSeen.get(feed) === id) return;
		lastSeen.set(feed, id);
		store.markSeen(feed, id);
		const shown = waitingForMe(state)
			.slice(-shownAtOnce)
			.filter(message => belongs(state.identity, feed, message));
		void store.acknowledge(
			shown.map(message => message.id),
			'delivered',
		);
	}

	const pointer = createPointer({
		store,
		ui,
		rowOf,
		act: {focus: pane => focusPane(context, pane), open, press, compose: () => openCompose(context, null)},
	});

	return {
		layout: () => layoutOf(ui.getState()),
		markSeen,
		input(input) {
			if (input.type === 'mouse') pointer(input);
			else if (input.type === 'key') press(input.key);
			else if (input.type === 'paste') {
				const {overlay, timeline} = ui.getState();
				if (overlay !== null) overlay.paste?.(input.text);
				else if (timeline === null) composePaste(context, input.text);
			} else if (ui.getState().mode === 'compose' && ui.getState().overlay === null && !input.text.startsWith('#')) {
				composeType(context, input.text);
			} else {
				// Keys typed fast come as one text; # is a key while nothing is written, with what is typed into the picker behind it.
				for (const character of input.text) press(character);
			}
		},
	};
}
