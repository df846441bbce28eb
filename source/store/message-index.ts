import type {Message} from '../mailbox/message.ts';
import {foldTag} from '../mailbox/tag.ts';
import {firstFrom} from './state/scrollback.ts';

/** The messages of the window by channel and by thread, each list by id. */
export interface MessageIndex {
	/** Folded tag to the messages that it wrote or that mention it. */
	readonly channels: ReadonlyMap<string, readonly Message[]>;
	/** Folded tag to the messages of others that mention it. */
	readonly addressed: ReadonlyMap<string, readonly Message[]>;
	/** The root's id to the messages of the thread. */
	readonly threads: ReadonlyMap<number, readonly Message[]>;
}

interface Built extends MessageIndex {
	readonly messages: readonly Message[];
	readonly channels: Map<string, readonly Message[]>;
	readonly addressed: Map<string, readonly Message[]>;
	readonly threads: Map<number, readonly Message[]>;
}

function empty(): Built {
	return {messages: [], channels: new Map(), addressed: new Map(), threads: new Map()};
}

let latest = empty();

/**
 * The index of a window. The latest index is cached. If its window only lost messages at its beginning and got others at its end, the
 * index is changed, so that unaffected channels keep the identity of their lists.
 */
export function indexOf(messages: readonly Message[]): MessageIndex {
	if (latest.messages === messages) return latest;
	const gone = goneBefore(latest.messages, messages);
	if (gone === null) latest = extended(empty(), messages, 0);
	else {
		const kept = latest.messages.length - gone;
		latest = extended(gone === 0 ? latest : shortened(latest, gone), messages, kept);
	}
	return latest;
}

/** How many messages `after` lacks at the beginning of `before`, the rest of which it begins with; null if they differ in another way. */
function goneBefore(before: readonly Message[], after: readonly Message[]): number | null {
	const [first] = after;
	if (first === undefined) return null;
	const gone = firstFrom(before, first.id);
	const kept = before.length - gone;
	if (kept === 0 || kept > after.length) return null;
	// Every message is compared, since one in the middle may have been redacted.
	for (let at = 0; at < kept; at++) if (before[gone + at] !== after[at]) return null;
	return gone;
}

/** Removes the first messages of an index's window from its maps. */
function shortened({messages, channels, addressed, threads}: Built, gone: number): Built {
	const from = messages[gone]?.id ?? Infinity;
	const [fewerChannels, fewerAddressed, fewerThreads] = [new Set<string>(), new Set<string>(), new Set<number>()];
	for (let at = 0; at < gone; at++) {
		const message = messages[at];
		if (message === undefined) continue;
		fewerChannels.add(foldTag(message.tag));
		for (const reader of message.mentions.map(foldTag)) {
			fewerChannels.add(reader);
			fewerAddressed.add(reader);
		}
		fewerThreads.add(message.thread_id);
	}
	for (const key of fewerChannels) cutBelow(channels, key, from);
	for (const key of fewerAddressed) cutBelow(addressed, key, from);
	for (const root of fewerThreads) cutBelow(threads, root, from);
	return {messages, channels, addressed, threads};
}

/** Removes the messages below an id from one list; an empty list is removed. */
function cutBelow<Key>(lists: Map<Key, readonly Message[]>, key: Key, from: number): void {
	const list = lists.get(key);
	if (list === undefined) return;
	const start = firstFrom(list, from);
	if (start === list.length) lists.delete(key);
	else if (start > 0) lists.set(key, list.slice(start));
}

/** Adds messages to an index, whose maps it changes: nothing else refers to them. Their lists are replaced, never changed. */
function extended({channels, addressed, threads}: Built, messages: readonly Message[], from: number): Built {
	const freshChannels = new Map<string, Message[]>();
	const freshAddressed = new Map<string, Message[]>();
	const freshThreads = new Map<number, Message[]>();
	for (let at = from; at < messages.length; at++) {
		const message = messages[at];
		if (message === undefined) continue;
		const writer = foldTag(message.tag);
		listIn(freshChannels, channels, writer).push(message);
		for (const reader of new Set(message.mentions.map(foldTag))) {
			if (reader === writer) continue;
			listIn(freshChannels, channels, reader).push(message);
			listIn(freshAddressed, addressed, reader).push(message);
		}
		listIn(freshThreads, threads, message.thread_id).push(message);
	}
	for (const [key, list] of freshChannels) channels.set(key, list);
	for (const [key, list] of freshAddressed) addressed.set(key, list);
	for (const [root, list] of freshThreads) threads.set(root, list);
	return {messages, channels, addressed, threads};
}

function listIn<Key>(lists: Map<Key, Message[]>, base: ReadonlyMap<Key, readonly Message[]>, key: Key): Message[] {
	let list = lists.get(key);
	if (list === undefined) {
		list = [...(base.get(key) ?? [])];
		lists.set(key, list);
	}
	return list;
}
