import type {Message} from '../mailbox/message.ts';
import {foldTag} from '../mailbox/tag.ts';

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
 * The index of a window. The latest index is cached. If messages were only appended to its window, it is extended, so that
 * unaffected channels keep the identity of their lists.
 */
export function indexOf(messages: readonly Message[]): MessageIndex {
	if (latest.messages === messages) return latest;
	const before = latest.messages;
	// Every message is compared, since one in the middle may have been redacted.
	const grows =
		before.length > 0 && before.length <= messages.length && before.every((message, at) => message === messages[at]);
	latest = extended(grows ? latest : empty(), messages, grows ? before.length : 0);
	return latest;
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
