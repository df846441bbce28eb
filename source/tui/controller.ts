import {inChannel} from '../mailbox/message.ts';
import type {MailboxStore} from '../store/mailbox-store.ts';
import {isWaitingFor, waitingForMe} from '../store/select.ts';
import type {ComposeContext} from './compose/draft.ts';
import {composeKey, composePaste, composeType, openCompose, pickTag} from './compose/keys.ts';
import {freshPicker} from './compose/picker.ts';
import {actionOf, type Action} from './keymap.ts';
import {layoutOf} from './current-layout.ts';
import {channelCapacity, tasksPane, welcomePane, type Layout, type PaneId} from './layout.ts';
import type {Input} from './keyboard.ts';
import {currentEntry, moved, newestSeen, withView} from './navigate.ts';
import {channelName} from './panes/header.ts';
import {isTaskOverlay, openTask, taskKey, taskOverlayKey} from './task-keys.ts';
import {following, hasDraft, viewOf, type Ui, type UiStore} from './ui.ts';

/** More than this many fit on no screen. */
const shownAtOnce = 30;

export interface Controller {
	/** What was typed. */
	input(input: Input): void;
	/** The focused pane shows its newest message: it counts as read. */
	markSeen(): void;
	readonly layout: () => Layout;
}

export interface ControllerOptions {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Draws everything anew (^L). */
	readonly redraw: () => void;
	readonly quit: () => void;
	/** Absent where there is no terminal to give to an editor. */
	readonly editElsewhere?: ComposeContext['editElsewhere'];
	/** What is not sent yet comes back at the next start. */
	readonly keeps?: boolean;
}

/** What keys do: each changes the ui's state, or asks something of the store. */
export function createController(options: ControllerOptions): Controller {
	const {store, ui, redraw, quit, editElsewhere = null, keeps = false} = options;
	const set = (next: Partial<Ui>) => ui.setState(next);
	const context: ComposeContext = {store, ui, editElsewhere};
	const lastSeen = new Map<string, number>();
	let interrupted = 0;

	function read(key: string): void {
		const action = actionOf(ui.getState().focus === tasksPane ? 'tasks' : 'read', key);
		if (action !== undefined) act(action, key);
	}

	function act(action: Action, key: string): void {
		const now = ui.getState();
		switch (action) {
			case 'focus_next':
				return step(1);
			case 'focus_previous':
				return step(-1);
			case 'focus_number':
				return focus(layoutOf(now).order[Number(key) - 1]);
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
				return taskKey(context, action);
			case 'acknowledge':
				return acknowledge();
			case 'tag':
			case 'pick_tag':
				return set({overlay: {kind: 'tags', ...freshPicker}});
			case 'help':
				return set({overlay: {kind: 'help', top: 0}});
			case 'redraw':
				return redraw();
			case 'quit':
				return askToQuit();
			case 'interrupt':
				return interrupt();
			case 'search_sent':
			case 'edit_elsewhere':
			case 'send':
			case 'newline':
			case 'leave':
				return;
		}
	}

	function step(by: 1 | -1): void {
		const {order} = layoutOf(ui.getState());
		const at = order.indexOf(ui.getState().focus);
		focus(order[(at + by + order.length) % order.length]);
	}

	/** A pane that is hidden takes the place of the one that had the keys. */
	function focus(pane: PaneId | undefined): void {
		const now = ui.getState();
		if (pane === undefined || pane === now.focus) return;
		const capacity = channelCapacity(now.columns);
		const from = now.channels.indexOf(pane);
		if (layoutOf(now).kind !== 'wide' || from < capacity) return set({focus: pane});
		const focused = now.channels.indexOf(now.focus);
		const to = focused >= 0 && focused < capacity ? focused : capacity - 1;
		const channels = [...now.channels];
		[channels[to], channels[from]] = [pane, channels[to] ?? pane];
		set({focus: pane, channels});
	}

	function move(motion: Parameters<typeof moved>[3]): void {
		const now = ui.getState();
		const next = moved(store.getState(), now, layoutOf(now), motion);
		ui.setState(next.ui);
		if (motion === 'newest') store.release();
		const isChannel = now.focus !== tasksPane && now.focus !== welcomePane && !now.threads.has(now.focus);
		if (next.atTop && isChannel) void store.loadOlder(channelName(store.getState(), now.focus)).catch(() => undefined);
	}

	function open(): void {
		const now = ui.getState();
		if (now.focus === tasksPane) return openTask(context);
		if (now.threads.has(now.focus)) return;
		const entry = currentEntry(store.getState(), now);
		if (entry?.kind !== 'message') return;
		const {thread_id: root, id} = entry.message;
		const threads = new Map(now.threads).set(now.focus, root);
		ui.setState(withView({...now, threads}, now.focus, {anchor: null, selected: String(id)}));
		void store.loadThread(root).catch((error: unknown) => set({notice: String(error)}));
	}

	function back(): void {
		const now = ui.getState();
		if (now.notice !== null) return set({notice: null});
		if (now.threads.has(now.focus)) {
			const threads = new Map(now.threads);
			threads.delete(now.focus);
			return set({threads});
		}
		const view = viewOf(now, now.focus);
		if (view.selected !== null || view.anchor !== null) ui.setState(withView(now, now.focus, following));
		store.release();
	}

	function reply(): void {
		const now = ui.getState();
		const entry = now.focus === tasksPane ? undefined : currentEntry(store.getState(), now);
		if (entry === undefined) return set({notice: 'There is no message to reply to here.'});
		openCompose(context, entry);
	}

	function acknowledge(): void {
		const state = store.getState();
		const entry = ui.getState().focus === tasksPane ? undefined : currentEntry(state, ui.getState());
		const me = state.identity?.tag;
		if (entry?.kind !== 'message' || me === undefined || !isWaitingFor(state, entry.message, me)) {
			return set({notice: 'This message does not wait for you.'});
		}
		void store.acknowledge([entry.message.id], 'acked');
	}

	function askToQuit(): void {
		const unsent = store.getState().pending.length;
		const answer = keeps ? 'quit; it waits for the next start' : 'quit and drop it';
		if (hasDraft(ui.getState().compose)) return set({overlay: {kind: 'quit', reason: 'A draft is open.', answer}});
		if (unsent > 0) {
			const reason = `${unsent} of your messages ${unsent === 1 ? 'is' : 'are'} not sent yet.`;
			return set({overlay: {kind: 'quit', reason, answer}});
		}
		quit();
	}

	function interrupt(): void {
		const now = Date.now();
		if (now - interrupted < 2000) return quit();
		interrupted = now;
		set({notice: 'Press ^C again to quit.'});
	}

	function overlayKey(key: string): void {
		const {overlay} = ui.getState();
		if (overlay === null) return;
		if (key === '^c') return interrupt();
		if (overlay.kind === 'tags') return pickTag(context, key);
		if (isTaskOverlay(overlay)) return taskOverlayKey(context, overlay, key);
		if (overlay.kind === 'quit') {
			if (key === 'y' || key === 'q' || key === 'enter') return quit();
			return set({overlay: null});
		}
		const steps: Record<string, number> = {j: 1, down: 1, '^d': 8, pagedown: 8, k: -1, up: -1, '^u': -8, pageup: -8};
		const step = steps[key];
		if (step === undefined) return set({overlay: null});
		set({overlay: {kind: 'help', top: Math.max(0, overlay.top + step)}});
	}

	function press(key: string): void {
		const {mode, overlay, notice} = ui.getState();
		if (notice !== null && key !== 'escape') set({notice: null});
		if (overlay !== null) return overlayKey(key);
		if (mode === 'read') return read(key);
		const action = actionOf('compose', key);
		if (action === 'redraw' || action === 'interrupt') return act(action, key);
		composeKey(context, key);
	}

	function markSeen(): void {
		const now = ui.getState();
		const state = store.getState();
		if (!state.loaded) return;
		const id = newestSeen(state, now);
		if (id === 0) return;
		const channel = channelName(state, now.focus);
		if (lastSeen.get(channel) === id) return;
		lastSeen.set(channel, id);
		store.markSeen(channel, id);
		const shown = waitingForMe(state)
			.slice(-shownAtOnce)
			.filter(message => inChannel(message, channel));
		void store.acknowledge(
			shown.map(message => message.id),
			'delivered',
		);
	}

	return {
		layout: () => layoutOf(ui.getState()),
		markSeen,
		input(input) {
			if (input.type === 'key') press(input.key);
			else if (input.type === 'paste') {
				if (ui.getState().overlay === null) composePaste(context, input.text);
			} else if (ui.getState().mode === 'compose' && ui.getState().overlay === null && !input.text.startsWith('#')) {
				composeType(context, input.text);
			} else {
				// Keys typed fast come as one text; # is a key while nothing is written, with what is typed into the picker behind it.
				for (const character of input.text) press(character);
			}
		},
	};
}
