/**
 * The candidate that was probably meant by `word`, ignoring case: it differs by at most two letters, or begins with the word. Null
 * if there is none.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
	const folded = word.toLowerCase();
	const all = [...candidates];
	let best: string | null = null;
	// Shorter words may have fewer errors, but one is always allowed.
	let bound = Math.min(2, Math.max(1, Math.round(word.length * 0.4))) + 1;
	for (const candidate of all) {
		const distance = editDistance(folded, candidate.toLowerCase());
		if (distance < bound) {
			best = candidate;
			bound = distance;
		}
	}
	return best ?? all.find(candidate => isPrefix(folded, candidate.toLowerCase())) ?? null;
}

function isPrefix(word: string, candidate: string): boolean {
	return word.length >= 3 && candidate.startsWith(word);
}

/** The number of insertions, deletions, replacements and swaps of neighbours between two texts (optimal string alignment). */
export function editDistance(one: string, other: string): number {
	let beforeLast: number[] = [];
	let last = Array.from({length: other.length + 1}, (_, index) => index);
	for (let i = 1; i <= one.length; i++) {
		const row = [i];
		for (let j = 1; j <= other.length; j++) {
			const same = one[i - 1] === other[j - 1];
			let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
			if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
				cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
			}
			row.push(cost);
		}
		beforeLast = last;
		last = row;
	}
	return last[other.length] ?? 0;
}
