import type {Message} from './message.ts';

export interface ThreadEntry {
	readonly message: Message;
	/** 0 for the root. */
	readonly depth: number;
	/** For each of the last levels down to this message: whether a later reply follows on it. */
	readonly goesOn: readonly boolean[];
}

/** Levels further up than this are not told of: nobody has room to draw them. */
const levelsTold = 8;

/** The messages of one thread (by id) as a tree, depth first: each reply below what it replies to. */
export function treeOf(messages: readonly Message[], root: number): ThreadEntry[] {
	const present = new Set(messages.map(({id}) => id));
	const replies = new Map<number, Message[]>();
	const tops: Message[] = [];
	for (const message of messages) siblingsOf(message).push(message);
	const entries: ThreadEntry[] = [];
	// A stack instead of recursion: a chain of a thousand replies is somebody's message to us.
	const stack: ThreadEntry[] = [];
	const push = (siblings: readonly Message[], depth: number, above: readonly boolean[]) => {
		for (let at = siblings.length - 1; at >= 0; at--) {
			const message = siblings[at];
			if (message === undefined) continue;
			const goesOn = depth === 0 ? [] : [...above, at < siblings.length - 1].slice(-levelsTold);
			stack.push({message, depth, goesOn});
		}
	};
	push(tops, 0, []);
	for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
		entries.push(entry);
		push(replies.get(entry.message.id) ?? [], entry.depth + 1, entry.goesOn);
	}
	return entries;

	/** What replies to a message that is not here stands below the root; on top where that is not here either. */
	function siblingsOf({id, reply_to: parent}: Message): Message[] {
		if (id === root) return tops;
		const known = parent !== null && present.has(parent) ? parent : root;
		if (!present.has(known)) return tops;
		let siblings = replies.get(known);
		if (siblings === undefined) replies.set(known, (siblings = []));
		return siblings;
	}
}
