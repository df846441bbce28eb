import {createStore} from 'zustand/vanilla';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state/state.ts';
import type {Region, Position} from '../screen/grid.ts';
import type {Span} from '../screen/strip.ts';
import type {Sight} from '../../mailbox/sight/sight.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {emptyArrangement, withChannels as arranged, type Arrangement} from './arrangement.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';
import {nothingKilled, type Killed} from '../editor/kill.ts';
import type {SentSearch} from './sent.ts';
import {noUndo, type Undo} from '../editor/undo.ts';
import type {PaneFilter} from './pane-filter.ts';
import {isChannelPane, welcomePane, type PaneId} from './pane-id.ts';
import type {TimelineView} from './timeline-view.ts';
import type {ProgramCommand} from './palette.ts';
import {nothingRecent, type Recent} from './recent.ts';
import type {Search} from './search.ts';
import {createKeymap, type Keymap} from '../settings/keymap.ts';

/** How a pane is scrolled, and what is selected in it. Both are keys of the pane's entries. */
export interface PaneView {
	/** The entry at the bottom edge, and how many of its lines are hidden; null: the pane follows the newest. */
	readonly anchor: {readonly key: string; readonly hidden: number} | null;
	readonly selected: string | null;
}

export const following: PaneView = {anchor: null, selected: null};

export interface Draft {
	readonly editor: Editor;
	/** The tag to send as; null: the mailbox's identity. */
	readonly tag: Tag | null;
	readonly reply: {readonly id: number; readonly tag: Tag} | null;
	/** The mention that was filled in automatically; a draft with nothing else counts as empty. */
	readonly prefill: string;
	/** The pane in which it was begun, and in which the key for writing goes on with it; null: any. */
	readonly place: PaneId | null;
}

export interface Compose extends Draft {
	/** Why it could not be sent, in one sentence. */
	readonly error: string | null;
	readonly sent: readonly string[];
	/** Which entry of `sent` is shown, counted from the newest; -1: none. */
	readonly recalled: number;
	/** The selected completion; -1: they were dismissed. */
	readonly completion: number;
	/** Set while ^R searches `sent`. */
	readonly search: SentSearch | null;
	readonly undo: Undo;
	readonly killed: Killed;
}

/** An entry of the jump list: the state before a jump, and where it led. */
export interface Jump extends Pick<Ui, 'focus' | 'threads' | 'threadAt'> {
	readonly to: PaneId;
}

/** Everything that the screen is drawn from. */
export interface DrawInput {
	readonly state: State;
	readonly ui: Ui;
	/** Milliseconds since 1970. */
	readonly now: number;
}

/** An overlay's rectangle and lines. */
export interface OverlayRegion extends Region {
	/** Where typed text goes; absent if it has no input line. */
	readonly cursor?: Position;
}

/** Something shown over the panes that takes all keys. To change, it replaces itself with another one. */
export interface Overlay {
	/** `panel`: it has an input line. Absent: the status line shows the keys of what is below. */
	readonly scope?: 'panel';
	/** Replaces the mode and its keys in the status line. */
	readonly status?: (ui: Ui) => readonly Span[];
	/** Null if there is nothing to draw. */
	readonly draw: (drawn: DrawInput) => OverlayRegion | null;
	readonly key: (key: string) => void;
	/** Absent if it has no input line. */
	readonly paste?: (text: string) => void;
}

/** The state of the screen: everything that is not in the mailbox. */
export interface Ui {
	readonly columns: number;
	readonly rows: number;
	readonly arrangement: Arrangement;
	readonly focus: PaneId;
	readonly mode: 'read' | 'compose';
	/** Shown over everything else. */
	readonly overlay: Overlay | null;
	/** By pane, or by `thread:ROOT`. */
	readonly views: ReadonlyMap<string, PaneView>;
	/** The open thread, if any: its pane, and the id of its root. */
	readonly threads: ReadonlyMap<PaneId, number>;
	/** The pane that the open thread is next to, or covers; null if none is open. */
	readonly threadAt: PaneId | null;
	/** The jump list, the latest last; Esc goes back along it. */
	readonly jumps: readonly Jump[];
	/** For each pane that had unread messages when it got the focus: the newest id seen in it before. */
	readonly newFrom: ReadonlyMap<PaneId, number>;
	readonly compose: Compose;
	/** Drafts that were left for another one, the latest last. */
	readonly drafts: readonly Draft[];
	/** Shown over the panes; null: closed. */
	readonly timeline: TimelineView | null;
	/** Null: no search. */
	readonly search: Search | null;
	/** By pane; a pane without one shows everything. */
	readonly filters: ReadonlyMap<PaneId, PaneFilter>;
	readonly recent: Recent;
	/** The commands of the `agentmux` command line; empty until they are needed. */
	readonly programCommands: readonly ProgramCommand[];
	/** One sentence in the status line, until the next key. */
	readonly notice: string | null;
	/** What the top line says while the mailbox is opened. */
	readonly opening: string;
	/** The command with which the human started this program. */
	readonly program: string;
	/** Agents of this machine whose client starts no hooks, by folded tag. */
	readonly disarmed: ReadonlySet<Tag>;
	/** What agents do beside their presence, by folded tag. */
	readonly sights: ReadonlyMap<Tag, Sight>;
	/** The human's key bindings. They do not change during a run. */
	readonly keymap: Keymap;
	/** Identifies this run of the screen; see per-run.ts. */
	readonly run: object;
	/** Whether the terminal reports the mouse. */
	readonly mouse: boolean;
	/** Whether the screen may show countdowns that change every second. */
	readonly motion: boolean;
}

export const emptyCompose: Compose = {
	editor: emptyEditor,
	tag: null,
	reply: null,
	prefill: '',
	place: null,
	error: null,
	sent: [],
	recalled: -1,
	completion: 0,
	search: null,
	undo: noUndo,
	killed: nothingKilled,
};

export type UiStore = ReturnType<typeof createUi>;

/** What most key handlers work on: the mailbox and the screen's state. */
export interface ScreenContext {
	readonly store: MailboxStore;
	readonly ui: UiStore;
}

export function createUi(size: {readonly columns: number; readonly rows: number}, keymap = createKeymap()) {
	return createStore<Ui>(() => ({
		...size,
		arrangement: emptyArrangement,
		focus: welcomePane,
		mode: 'read',
		overlay: null,
		views: new Map(),
		threads: new Map(),
		threadAt: null,
		jumps: [],
		newFrom: new Map(),
		compose: emptyCompose,
		drafts: [],
		timeline: null,
		search: null,
		filters: new Map(),
		recent: nothingRecent,
		programCommands: [],
		notice: null,
		opening: 'opening the mailbox',
		program: 'agentmux',
		disarmed: new Set(),
		sights: new Map(),
		keymap,
		run: {},
		mouse: false,
		motion: true,
	}));
}

/** The key of a pane's view in `views`: its thread's while it shows one. */
export function viewName(ui: Ui, pane: PaneId): string {
	const thread = ui.threads.get(pane);
	return thread === undefined ? pane : `thread:${thread}`;
}

/** The pane that a thread was opened from; for any other pane, the pane itself. */
export function homeOf({threads, threadAt}: Pick<Ui, 'threads' | 'threadAt'>, pane: PaneId): PaneId {
	return threads.has(pane) && threadAt !== null ? threadAt : pane;
}

/** Closes the thread at a pane, so that it does not cover what one goes to in the pane itself. */
export function withoutThreadAt(ui: Ui, pane: PaneId): Ui {
	return ui.threadAt === pane ? {...ui, threads: new Map(), threadAt: null} : ui;
}

export function viewOf(ui: Ui, pane: PaneId): PaneView {
	return ui.views.get(viewName(ui, pane)) ?? following;
}

/** Whether the human has typed anything into the draft. */
export function hasDraft({editor, prefill}: Draft): boolean {
	const text = editor.text.trim();
	return text !== '' && text !== prefill.trim();
}

/** Adds new channels (folded tags) without moving the others, and focuses the first one. */
export function withChannels(ui: Ui, folded: readonly PaneId[], own: PaneId | null = ui.arrangement.own): Ui {
	const arrangement = arranged(ui.arrangement, folded, own);
	if (arrangement === ui.arrangement) return ui;
	const first = arrangement.order.find(id => isChannelPane(id) && !arrangement.hidden.has(id));
	return {...ui, arrangement, focus: ui.focus === welcomePane ? (first ?? welcomePane) : ui.focus};
}
