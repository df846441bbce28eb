/** The threshold for hints that cannot reveal tables which the client may not see; lower than for the names of tables. */
export const minLikeness = 0.33;

/** The candidate most similar to a mistyped name, for a hint; null if none has at least the similarity `least` (0 to 1). */
export function nearest(name: string, candidates: Iterable<string>, least = 0.75): string | null {
	let best: string | null = null;
	let likeness = least;
	// Names have at most 63 bytes, so a longer one is not a typo, and the cost of the distance is quadratic.
	if (name.length > 63) return null;
	for (const candidate of candidates) {
		const longest = Math.max(name.length, candidate.length);
		const same = longest === 0 ? 0 : 1 - distance(name.toLowerCase(), candidate.toLowerCase()) / longest;
		if (same > likeness || (same === likeness && best === null)) {
			likeness = same;
			best = candidate;
		}
	}
	return best;
}

/** The Levenshtein distance: the number of insertions, deletions and substitutions. */
function distance(from: string, to: string): number {
	let row = Array.from({length: to.length + 1}, (_, index) => index);
	for (let i = 1; i <= from.length; i += 1) {
		const next = [i];
		for (let j = 1; j <= to.length; j += 1) {
			const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
			next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[to.length] ?? 0;
}
