import {inChannel} from '../mailbox/message.ts';
import type {MailboxStore} from '../store/mailbox-store.ts';
import {isWaitingFor, waitingForMe} from '../store/select.ts';
import type {ComposeContext} from './compose/draft.ts';
import {composeKey, composePaste, composeType, openCompose, pickTag} from './compose/keys.ts';
import {actionOf, type Action} from './keymap.ts';
import {layoutOf} from './current-layout.ts';
import {channelCapacity, tasksPane, type Layout, type PaneId} from './layout.ts';
import type {Input} from './keyboard.ts';
import {lookBack} from './look-back.ts';
import {choiceKey, copyLink, copyText, openChosen, openLink, quoteChosen, type MessageContext} from './message-keys.ts';
import type {Outside} from './outside.ts';
import {reveal, stepBack} from './trail.ts';
import {currentEntry, moved, newestSeen, withView} from './navigate.ts';
import {channelName} from './panes/header.ts';
import {withThreadIn} from './thread-layout.ts';
import {following, hasDraft, homeOf, viewOf, type Ui, type UiStore} from './ui.ts';

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
	/** Absent where there is no terminal. */
	readonly outside?: Outside;
	/** What is not sent yet comes back at the next start. */
	readonly keeps?: boolean;
}

/** What keys do: each changes the ui's state, or asks something of the store. */
export function createController(options: ControllerOptions): Controller {
	const {store, ui, redraw, quit, editElsewhere = null, outside = null, keeps = false} = options;
	const set = (next: Partial<Ui>) => ui.setState(next);
	const context: MessageContext = {store, ui, editElsewhere, outside, focus};
	const lastSeen = new Map<string, number>();
	let interrupted = 0;
	ui.subscribe(settle);

	/** Where a thread stands over its pane, the keys are the thread's. */
	function settle(now: Ui): void {
		if (now.threadAt !== now.focus) return;
		const {panes} = layoutOf(now);
		const thread = panes.find(({id}) => now.threads.has(id));
		if (thread !== undefined && panes.every(({id}) => id !== now.focus)) set({focus: thread.id});
	}

	function read(key: string): void {
		const action = actionOf('read', key);
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
				return openChosen(context);
			case 'quote':
				return quoteChosen(context);
			case 'copy':
				return copyText(context);
			case 'copy_link':
				return copyLink(context);
			case 'open_link':
				return openLink(context);
			case 'back':
				return back();
			case 'compose':
				return openCompose(context, null);
			case 'reply':
				return reply();
			case 'acknowledge':
				return acknowledge();
			case 'tag':
			case 'pick_tag':
				return set({overlay: {kind: 'tags', filter: '', index: 0}});
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
		const now = ui.getState();
		const order = withThreadIn(layoutOf(now), now);
		const at = order.indexOf(now.focus);
		focus(order[(at + by + order.length) % order.length]);
	}

	/** A pane that is hidden takes the place of the one that had the keys. */
	function focus(pane: PaneId | undefined): void {
		const now = ui.getState();
		if (pane === undefined || pane === now.focus) return;
		if (now.threads.has(pane)) return set({focus: pane});
		const capacity = channelCapacity(now.columns);
		const from = now.channels.indexOf(pane);
		if (layoutOf(now).kind !== 'wide' || from < capacity) return set({focus: pane});
		const focused = now.channels.indexOf(homeOf(now, now.focus));
		const to = focused >= 0 && focused < capacity ? focused : capacity - 1;
		const channels = [...now.channels];
		[channels[to], channels[from]] = [pane, channels[to] ?? pane];
		set({focus: pane, channels});
	}

	function move(motion: Parameters<typeof moved>[3]): void {
		const now = ui.getState();
		const next = moved(store.getState(), now, layoutOf(now), motion);
		ui.setState(next.ui);
		lookBack(context, now.focus, next.wants);
	}

	function back(): void {
		const now = ui.getState();
		if (now.notice !== null) return set({notice: null});
		if (stepBack(context)) return;
		const view = viewOf(now, now.focus);
		if (view.selected !== null || view.anchor !== null) ui.setState(withView(now, now.focus, following));
		lookBack(context, now.focus, null);
	}

	function reply(): void {
		const now = ui.getState();
		const entry = now.focus === tasksPane ? undefined : currentEntry(store.getState(), now);
		if (entry === undefined) return set({notice: 'There is no message to reply to here.'});
		openCompose(context, entry);
		reveal(context, now.focus);
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
		if (overlay.kind === 'choice') return choiceKey(context, key);
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
