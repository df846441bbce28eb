/** How well a text matches, and the offsets of the letters that match. */
interface Match {
	readonly score: number;
	readonly offsets: readonly number[];
}

/**
 * The items that match a typed text, best first: those equal to it, those that begin with it, those with a word that begins
 * with it, those that contain it, those whose words begin with its letters, those that contain its letters in this order.
 * Each typed word must match. Items that match equally well stay in the order given.
 */
export function fuzzy<T>(typed: string, items: readonly T[], textOf: (item: T) => string): T[] {
	if (typed.trim() === '') return [...items];
	return items
		.map(item => ({item, score: fuzzyMatch(typed, textOf(item))?.score ?? 0}))
		.filter(({score}) => score > 0)
		.sort((one, other) => other.score - one.score)
		.map(({item}) => item);
}

export function fuzzyMatch(typed: string, text: string): Match | null {
	const folded = fold(text);
	const offsets = new Set<number>();
	let score = 0;
	for (const word of fold(typed)
		.split(/\s+/)
		.filter(each => each !== '')) {
		const match = wordMatch(word, folded);
		if (match === null) return null;
		// The score of all words is that of the worst.
		score = score === 0 ? match.score : Math.min(score, match.score);
		for (const offset of match.offsets) offsets.add(offset);
	}
	return {score, offsets: [...offsets].sort((one, other) => one - other)};
}

/** In lower case, unless that would change the offsets. */
function fold(text: string): string {
	const lower = text.toLowerCase();
	return lower.length === text.length ? lower : text;
}

function wordMatch(word: string, text: string): Match | null {
	const at = text.indexOf(word);
	if (at === 0) return {score: text === word ? 1001 : 1000, offsets: run(0, word.length)};
	const beginnings = wordBeginnings(text);
	const beginning = beginnings.find(each => text.startsWith(word, each));
	if (beginning !== undefined) return {score: 700, offsets: run(beginning, word.length)};
	if (at > 0) return {score: 500, offsets: run(at, word.length)};
	const initials = inOrder(
		word,
		beginnings.map(each => text[each] ?? ''),
	);
	if (initials !== null) return {score: 400, offsets: initials.map(each => beginnings[each] ?? 0)};
	const letters = inOrder(word, text.split(''));
	if (letters === null) return null;
	const spread = (letters.at(-1) ?? 0) - (letters[0] ?? 0) + (letters[0] ?? 0) / 2;
	return {score: Math.max(1, 250 - spread), offsets: letters};
}

function run(from: number, length: number): number[] {
	return Array.from({length}, (_, index) => from + index);
}

function wordBeginnings(text: string): number[] {
	return Array.from(text.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu), match => match.index);
}

/** The indices of the letters in this order, each as early as possible; null if they are not all there. */
function inOrder(word: string, letters: readonly string[]): number[] | null {
	const offsets: number[] = [];
	for (const letter of word.split('')) {
		const at = letters.indexOf(letter, (offsets.at(-1) ?? -1) + 1);
		if (at === -1) return null;
		offsets.push(at);
	}
	return offsets;
}
