import {mentionsIn, type Message} from '../../mailbox/message.ts';
import {foldTag, sameTag, UNTAGGED, type Tag} from '../../mailbox/tag.ts';
import {channelMessages, threadTree} from '../../store/select.ts';
import type {Pending, State} from '../../store/state.ts';
import type {PaneId} from '../layout.ts';
import {viewOf, type Ui} from '../ui.ts';
import {messageBody, pendingBody} from './message-body.ts';
import {bottom, type Blocks, type Position} from './viewport.ts';

/** One block of a pane. */
export type Entry =
	| {readonly kind: 'message'; readonly message: Message; readonly depth: number}
	| {
			readonly kind: 'pending';
			readonly pending: Pending;
			readonly tag: Tag;
			readonly body: string;
			readonly depth: number;
	  };

/** What a pane shows, oldest first, without making a list of it. */
export interface Source {
	readonly count: number;
	at(index: number): Entry | undefined;
	/** A whole message is shown, not only its first lines. */
	readonly whole: boolean;
}

export function keyOf(entry: Entry): string {
	return entry.kind === 'message' ? String(entry.message.id) : entry.pending.draft.client_id;
}

/** What the pane shows now: its channel, or the thread that was opened in it; what is on its way stands last. */
export function sourceOf(state: State, ui: Ui, pane: PaneId): Source {
	const root = ui.threads.get(pane);
	if (root !== undefined) {
		const tree = threadTree(state, root);
		const ids = new Set(tree.map(({message}) => message.id));
		const pending = pendingEntries(state, ({draft}) => ids.has(draft.reply_to ?? 0), 1);
		return {
			count: tree.length + pending.length,
			whole: true,
			at(index) {
				const entry = tree[index];
				return entry === undefined ? pending[index - tree.length] : {kind: 'message', ...entry};
			},
		};
	}
	const messages = channelMessages(state, pane);
	const pending = pendingEntries(state, ({draft}) => standsIn(draft.content, pane), 0);
	return {
		count: messages.length + pending.length,
		whole: false,
		at(index) {
			const message = messages[index];
			return message === undefined ? pending[index - messages.length] : {kind: 'message', message, depth: 0};
		},
	};
}

const tagged = /^\s*\[([A-Za-z][A-Za-z0-9_-]{0,31})\]\s*/;

/** Tag and body of a content that has no row yet, as the database will derive them. */
export function readContent(content: string): {readonly tag: Tag; readonly body: string} {
	const match = tagged.exec(content);
	return {tag: match?.[1] ?? UNTAGGED, body: match === null ? content : content.slice(match[0].length)};
}

function standsIn(content: string, pane: PaneId): boolean {
	const {tag, body} = readContent(content);
	return sameTag(tag, pane) || mentionsIn(body).some(mentioned => foldTag(mentioned) === pane);
}

function pendingEntries(state: State, belongs: (pending: Pending) => boolean, depth: number): Entry[] {
	return state.pending
		.filter(belongs)
		.map(pending => ({kind: 'pending', pending, depth, ...readContent(pending.draft.content)}));
}

/** Columns that a reply is further in than what it replies to, up to a depth that leaves room for text. */
export function indentOf(entry: Entry, width: number): number {
	return Math.min(entry.depth * 2, 12, Math.floor(width / 4));
}

export function bodyOf(entry: Entry, width: number, whole: boolean) {
	const room = width - indentOf(entry, width);
	if (entry.kind === 'message') return messageBody(entry.message, room, whole);
	return pendingBody(entry.pending, entry.tag, entry.body, room);
}

/** The pane's entries as blocks of lines: a gap, a head, a body. */
export function blocksOf(source: Source, width: number): Blocks {
	return {
		count: source.count,
		heightOf(index) {
			const entry = source.at(index);
			return entry === undefined ? 0 : 2 + bodyOf(entry, width, source.whole).length;
		},
	};
}

/** The index of the entry with this key; of the next newer one when it is gone; -1 when there is none. */
export function indexOfKey(source: Source, key: string): number {
	const id = Number(key);
	for (let index = source.count - 1, newer = -1; index >= 0; index--) {
		const entry = source.at(index);
		if (entry === undefined) continue;
		if (keyOf(entry) === key) return index;
		if (source.whole || entry.kind !== 'message' || Number.isNaN(id)) continue;
		if (entry.message.id < id) return newer;
		newer = index;
	}
	return source.whole || Number.isNaN(id) || source.count === 0 ? -1 : 0;
}

/** Where the pane stands, as a position in its blocks. */
export function positionOf(ui: Ui, pane: PaneId, source: Source, blocks: Blocks): Position {
	const {anchor} = viewOf(ui, pane);
	if (anchor === null) return bottom(blocks);
	const index = indexOfKey(source, anchor.key);
	if (index === -1) return bottom(blocks);
	return {index, hidden: Math.min(anchor.hidden, Math.max(0, blocks.heightOf(index) - 1))};
}
