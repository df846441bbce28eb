/** Ids for a sentence: `#1, #2, #3`. */
export function listed(ids: readonly number[]): string {
	return ids.map(id => `#${id}`).join(', ');
}
