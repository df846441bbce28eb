import {createStore} from 'zustand/vanilla';
import type {State} from '../../store/state.ts';
import type {Part, Position} from '../screen/grid.ts';
import type {Span} from '../screen/strip.ts';
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

/** How a pane stands: what is at its bottom edge, and what is selected. Keys are those of the pane's entries. */
export interface View {
	/** Null: the newest is at the bottom and stays there. */
	readonly anchor: {readonly key: string; readonly hidden: number} | null;
	readonly selected: string | null;
}

export const following: View = {anchor: null, selected: null};

export interface Compose {
	readonly editor: Editor;
	/** Who it is written as; null: the mailbox's own identity. */
	readonly tag: Tag | null;
	readonly reply: {readonly id: number; readonly tag: Tag} | null;
	/** The addressee that was put there by itself: a draft of nothing else is empty. */
	readonly prefill: string;
	/** Why it could not be sent; one sentence. */
	readonly error: string | null;
	readonly sent: readonly string[];
	/** Which of `sent` is shown, counted from the newest; -1: none. */
	readonly recalled: number;
	/** Which of the completions is chosen; -1: they were dismissed. */
	readonly completion: number;
	/** While ^R searches what was sent. */
	readonly search: SentSearch | null;
	readonly undo: Undo;
	readonly killed: Killed;
}

/** What stood before a jump, and where that led. */
export interface Stop extends Pick<Ui, 'focus' | 'threads' | 'threadAt'> {
	readonly to: PaneId;
}

/** What everything on the screen is drawn from. */
export interface Drawn {
	readonly state: State;
	readonly ui: Ui;
	/** Milliseconds since 1970. */
	readonly now: number;
}

/** Where an overlay stands, and what it shows. */
export interface OverlayPart extends Part {
	/** Where one types; absent: nowhere. */
	readonly cursor?: Position;
}

/** What stands over the panes, and has the keys while it does. One that changes puts another in its place. */
export interface Overlay {
	/** `panel`: it has a line to type into. Absent: the last row shows the keys of what is below. */
	readonly scope?: 'panel';
	/** What the last row says instead of the mode and its keys. */
	readonly status?: (ui: Ui) => readonly Span[];
	/** Null where there is nothing to see of it. */
	readonly draw: (drawn: Drawn) => OverlayPart | null;
	readonly key: (key: string) => void;
	/** Absent where there is nothing to paste into. */
	readonly paste?: (text: string) => void;
}

/** What the human did to the screen; everything that is not in the mailbox. */
export interface Ui {
	readonly columns: number;
	readonly rows: number;
	readonly arrangement: Arrangement;
	readonly focus: PaneId;
	readonly mode: 'read' | 'compose';
	/** Stands over everything else. */
	readonly overlay: Overlay | null;
	/** By pane, or by `thread:ROOT`. */
	readonly views: ReadonlyMap<string, View>;
	/** The root of the thread that a pane shows: of the open one, which is a pane of its own. */
	readonly threads: ReadonlyMap<PaneId, number>;
	/** The pane beside which, or over which, the open thread stands; null where none is open. */
	readonly threadAt: PaneId | null;
	/** Where one came from, the latest last: Esc goes back along it. */
	readonly jumps: readonly Stop[];
	/** The newest id that was looked at in a pane before the keys came to it, where newer ones stood there. */
	readonly newFrom: ReadonlyMap<PaneId, number>;
	readonly compose: Compose;
	/** Stands over the panes; null: it does not. */
	readonly timeline: TimelineView | null;
	/** Null: nothing is searched for. */
	readonly search: Search | null;
	/** By pane; none for those that show everything. */
	readonly filters: ReadonlyMap<PaneId, PaneFilter>;
	readonly recent: Recent;
	/** The program's commands in a shell; none until somebody asked for them. */
	readonly programCommands: readonly ProgramCommand[];
	/** One sentence beside the keys, until the next key. */
	readonly notice: string | null;
	/** What happens while the mailbox opens. */
	readonly opening: string;
	/** How the human calls this program in a shell. */
	readonly program: string;
	/** Agents of this machine whose client starts no hooks, by folded tag. */
	readonly disarmed: ReadonlySet<Tag>;
	/** The human's keys. The same as long as the screen runs. */
	readonly keymap: Keymap;
	/** Stands for this run of the screen, and for nothing else: see per-run.ts. */
	readonly run: object;
	/** Whether the terminal tells of the mouse. */
	readonly mouse: boolean;
	/** Whether what is shown may count down each second. */
	readonly motion: boolean;
}

export const emptyCompose: Compose = {
	editor: emptyEditor,
	tag: null,
	reply: null,
	prefill: '',
	error: null,
	sent: [],
	recalled: -1,
	completion: 0,
	search: null,
	undo: noUndo,
	killed: nothingKilled,
};

export type UiStore = ReturnType<typeof createUi>;

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
		timeline: null,
		search: null,
		filters: new Map(),
		recent: nothingRecent,
		programCommands: [],
		notice: null,
		opening: 'opening the mailbox',
		program: 'agentmux',
		disarmed: new Set(),
		keymap,
		run: {},
		mouse: false,
		motion: true,
	}));
}

/** The name under which a pane's view is kept: that of its thread while it shows one. */
export function viewName(ui: Ui, pane: PaneId): string {
	const thread = ui.threads.get(pane);
	return thread === undefined ? pane : `thread:${thread}`;
}

/** Where a thread stands: the pane that it was opened from. Any other pane stands for itself. */
export function homeOf({threads, threadAt}: Pick<Ui, 'threads' | 'threadAt'>, pane: PaneId): PaneId {
	return threads.has(pane) && threadAt !== null ? threadAt : pane;
}

/** Without the thread that stands at a pane: what one goes to in the pane itself should be seen. */
export function withoutThreadAt(ui: Ui, pane: PaneId): Ui {
	return ui.threadAt === pane ? {...ui, threads: new Map(), threadAt: null} : ui;
}

export function viewOf(ui: Ui, pane: PaneId): View {
	return ui.views.get(viewName(ui, pane)) ?? following;
}

/** Whether there is anything in the compose line that the human typed. */
export function hasDraft({editor, prefill}: Compose): boolean {
	const text = editor.text.trim();
	return text !== '' && text !== prefill.trim();
}

/** Gives new channels (folded tags) their place, without moving the others, and the first one the keys. */
export function withChannels(ui: Ui, folded: readonly PaneId[], own: PaneId | null = ui.arrangement.own): Ui {
	const arrangement = arranged(ui.arrangement, folded, own);
	if (arrangement === ui.arrangement) return ui;
	const first = arrangement.order.find(id => isChannelPane(id) && !arrangement.hidden.has(id));
	return {...ui, arrangement, focus: ui.focus === welcomePane ? (first ?? welcomePane) : ui.focus};
}
