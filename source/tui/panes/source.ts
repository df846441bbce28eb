import {mentionsIn, readContent, type Message} from '../../mailbox/message.ts';
import type {ThreadEntry} from '../../mailbox/thread.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {threadFeed, type FeedId} from '../../store/state/feed.ts';
import {loadedOf} from '../../store/loaded.ts';
import {firstFrom} from '../../store/state/scrollback.ts';
import {threadTree} from '../../store/select.ts';
import type {Pending, State} from '../../store/state/state.ts';
import type {PaneFilter} from '../model/pane-filter.ts';
import {filteredOf} from '../model/filtered.ts';
import {agentsPane, allPane, inboxPane, tasksPane, welcomePane, type PaneId} from '../model/pane-id.ts';
import {viewOf, type Ui} from '../model/ui.ts';
import {messageBody, pendingBody} from './message-body.ts';
import {bottom, type Blocks, type Position} from './viewport.ts';

/** The position of an entry in a thread's tree; in a channel, the depth is 0. */
type TreePosition = Pick<ThreadEntry, 'depth' | 'goesOn'>;

const atTop: TreePosition = {depth: 0, goesOn: []};
const lastReply: TreePosition = {depth: 1, goesOn: [false]};

/** One block of a pane. */
export type Entry =
	| ({readonly kind: 'message'; readonly message: Message} & TreePosition)
	| ({
			readonly kind: 'pending';
			readonly pending: Pending;
			readonly tag: Tag;
			readonly body: string;
	  } & TreePosition);

/** The entries of a pane, oldest first, without building a list. */
export interface Source {
	readonly count: number;
	at(index: number): Entry | undefined;
	/** Long messages are not folded. */
	readonly whole: boolean;
	/** There is nothing older. */
	readonly atStart: boolean;
	/** There is nothing newer. */
	readonly atEnd: boolean;
	/** The index of the entry with this key; -1 if there is none. */
	indexOf(key: string): number;
}

/** The feed that a pane shows: its own or its thread's; null if it shows no messages. */
export function feedOf(ui: Pick<Ui, 'threads'>, pane: PaneId): FeedId | null {
	const root = ui.threads.get(pane);
	if (root !== undefined) return threadFeed(root);
	return pane === tasksPane || pane === agentsPane || pane === welcomePane ? null : pane;
}

export function keyOf(entry: Entry): string {
	return entry.kind === 'message' ? String(entry.message.id) : entry.pending.draft.client_id;
}

/** The entries that a pane shows now, with pending messages at the end. */
export function sourceOf(state: State, ui: Ui, pane: PaneId): Source {
	const root = ui.threads.get(pane);
	if (root !== undefined) return threadSource(state, root);
	const filter = ui.filters.get(pane);
	return filter === undefined ? feedSource(state, pane) : filteredSource(state, pane, filter);
}

function threadSource(state: State, root: number): Source {
	const tree = threadTree(state, root);
	const isHere = (id: number | null | undefined) => tree.some(({message}) => message.id === id);
	const pending = pendingEntries(state, ({draft}) => isHere(draft.reply_to), lastReply);
	const {atStart, atEnd} = loadedOf(state, threadFeed(root));
	const at = (index: number): Entry | undefined => {
		const entry = tree[index];
		return entry === undefined ? pending[index - tree.length] : {kind: 'message', ...entry};
	};
	return {
		count: tree.length + pending.length,
		whole: true,
		atStart,
		atEnd,
		at,
		indexOf(key) {
			const found = tree.findIndex(({message}) => String(message.id) === key);
			return found >= 0 ? found : indexAfter(pending, key, tree.length);
		},
	};
}

function feedSource(state: State, pane: PaneId): Source {
	const {scrollback, recent, atStart, atEnd} = loadedOf(state, pane);
	return listSource(state, pane, scrollback, recent, atStart, atEnd);
}

/** The matches of the pane's filter. Pending messages are always shown. */
function filteredSource(state: State, pane: PaneId, filter: PaneFilter): Source {
	const {older, recent, atStart} = filteredOf(state, pane, filter);
	return listSource(state, pane, older, recent, atStart, true);
}

function listSource(
	state: State,
	pane: PaneId,
	scrollback: readonly Message[],
	recent: readonly Message[],
	atStart: boolean,
	atEnd: boolean,
): Source {
	const messageCount = scrollback.length + recent.length;
	const pending = pendingEntries(state, ({draft}) => belongsTo(draft.content, pane), atTop);
	return {
		count: messageCount + pending.length,
		whole: false,
		atStart,
		atEnd,
		at(index) {
			const message = index < scrollback.length ? scrollback[index] : recent[index - scrollback.length];
			return message === undefined ? pending[index - messageCount] : {kind: 'message', message, ...atTop};
		},
		/** If the message is no longer loaded, the index of the next newer one. */
		indexOf(key) {
			const id = Number(key);
			if (Number.isNaN(id)) return indexAfter(pending, key, messageCount);
			const inPast = firstFrom(scrollback, id);
			const index = inPast < scrollback.length ? inPast : scrollback.length + firstFrom(recent, id);
			return index < messageCount ? index : -1;
		},
	};
}

function indexAfter(pending: readonly Entry[], key: string, before: number): number {
	const found = pending.findIndex(entry => keyOf(entry) === key);
	return found === -1 ? -1 : before + found;
}

function belongsTo(content: string, pane: PaneId): boolean {
	if (pane === allPane) return true;
	// The inbox does not show the human's own messages.
	if (pane === inboxPane) return false;
	const {tag, body} = readContent(content);
	return sameTag(tag, pane) || mentionsIn(body).some(mentioned => foldTag(mentioned) === pane);
}

function pendingEntries(state: State, belongs: (pending: Pending) => boolean, position: TreePosition): Entry[] {
	return state.pending
		.filter(belongs)
		.map(pending => ({kind: 'pending', pending, ...position, ...readContent(pending.draft.content)}));
}

/** The maximum number of levels that are indented. */
const maxLevels = 6;
const levelWidth = 2;

/** The indentation of a reply in columns, limited so that there is room for text. */
export function indentOf({depth}: Entry, width: number): number {
	return levelWidth * Math.min(depth, maxLevels, Math.floor(width / 4 / levelWidth));
}

export function bodyOf(ui: Ui, entry: Entry, width: number, whole: boolean) {
	const room = width - indentOf(entry, width);
	if (entry.kind === 'message') return messageBody(ui, entry.message, room, whole);
	return pendingBody(ui, entry.pending, entry.tag, entry.body, room);
}

/** The pane's entries as blocks of lines: a gap, a head, a body. */
export function blocksOf(ui: Ui, source: Source, width: number): Blocks {
	return {
		count: source.count,
		heightOf(index) {
			const entry = source.at(index);
			return entry === undefined ? 0 : 2 + bodyOf(ui, entry, width, source.whole).length;
		},
	};
}

/** The scroll position of a pane, in its blocks. */
export function positionOf(ui: Ui, pane: PaneId, source: Source, blocks: Blocks): Position {
	const {anchor} = viewOf(ui, pane);
	if (anchor === null) return bottom(blocks);
	const index = source.indexOf(anchor.key);
	if (index === -1) return bottom(blocks);
	return {index, hidden: Math.min(anchor.hidden, Math.max(0, blocks.heightOf(index) - 1))};
}
