import type {Message} from '../../mailbox/message.ts';

/** The index of the first item of a sorted list that is not before some point; the list's length if all are (binary search). */
export function lowerBound<Item>(list: readonly Item[], isBefore: (item: Item) => boolean): number {
	let [low, high] = [0, list.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		const item = list[middle];
		if (item !== undefined && isBefore(item)) low = middle + 1;
		else high = middle;
	}
	return low;
}

/**
 * Merges two lists by id, ascending, each id once. `known` is already sorted; `incoming` may be in any order. If nothing is new,
 * the result is `known` itself, so that comparing identities shows that nothing changed.
 */
export function mergeById(known: readonly Message[], incoming: readonly Message[]): readonly Message[] {
	const fresh = ascending(incoming);
	const last = known.at(-1);
	const first = fresh[0];
	if (first === undefined) return known;
	if (last === undefined || first.id > last.id) return [...known, ...fresh];

	const merged: Message[] = [];
	let at = 0;
	for (const message of fresh) {
		for (let next = known[at]; next !== undefined && next.id < message.id; next = known[++at]) merged.push(next);
		if (known[at]?.id !== message.id) merged.push(message);
	}
	for (let next = known[at]; next !== undefined; next = known[++at]) merged.push(next);
	return merged.length === known.length ? known : merged;
}

function ascending(messages: readonly Message[]): readonly Message[] {
	let sorted = true;
	for (let index = 1; index < messages.length && sorted; index++) {
		sorted = (messages[index - 1]?.id ?? 0) < (messages[index]?.id ?? 0);
	}
	if (sorted) return messages;
	return [...new Map(messages.map(message => [message.id, message])).values()].sort((one, other) => one.id - other.id);
}
