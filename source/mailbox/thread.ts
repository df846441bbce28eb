import type {Message} from './message.ts';

export interface ThreadEntry {
	readonly message: Message;
	/** 0 for the root. */
	readonly depth: number;
	/** For each of the last levels down to this message: whether another reply follows on that level. */
	readonly goesOn: readonly boolean[];
}

/** Maximum levels in `goesOn`; there is no room to draw more. */
const maxLevels = 8;

/** The messages of a thread as a tree, depth first: each reply below the message that it replies to. */
export function treeOf(messages: readonly Message[], root: number): ThreadEntry[] {
	const present = new Set(messages.map(({id}) => id));
	const replies = new Map<number, Message[]>();
	const tops: Message[] = [];
	for (const message of messages) siblingsOf(message).push(message);
	const entries: ThreadEntry[] = [];
	// A stack instead of recursion, because somebody may send a chain of thousands of replies.
	const stack: ThreadEntry[] = [];
	const push = (siblings: readonly Message[], depth: number, above: readonly boolean[]) => {
		for (let at = siblings.length - 1; at >= 0; at--) {
			const message = siblings[at];
			if (message === undefined) continue;
			const goesOn = depth === 0 ? [] : [...above, at < siblings.length - 1].slice(-maxLevels);
			stack.push({message, depth, goesOn});
		}
	};
	push(tops, 0, []);
	for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
		entries.push(entry);
		push(replies.get(entry.message.id) ?? [], entry.depth + 1, entry.goesOn);
	}
	return entries;

	/** A reply to a message that is missing is put below the root, or at the top if that is missing, too. */
	function siblingsOf({id, reply_to: parent}: Message): Message[] {
		if (id === root) return tops;
		const known = parent !== null && present.has(parent) ? parent : root;
		if (!present.has(known)) return tops;
		let siblings = replies.get(known);
		if (siblings === undefined) replies.set(known, (siblings = []));
		return siblings;
	}
}
