/** `#1, #2, #3`, as ids are named in a sentence. */
export function listed(ids: readonly number[]): string {
	return ids.map(id => `#${id}`).join(', ');
}
