/** A list that what is typed narrows. */
export interface Picker {
	readonly filter: string;
	readonly index: number;
}

export const freshPicker: Picker = {filter: '', index: 0};

const steps: {readonly [key: string]: number} = {up: -1, '^p': -1, down: 1, '^n': 1};

/** The picker after a key that moves in a list of `count` names or types a letter of a tag; null for any other. Pure. */
export function picked({filter, index}: Picker, key: string, count: number): Picker | null {
	const step = steps[key];
	if (step !== undefined) return {filter, index: count === 0 ? 0 : (index + step + count) % count};
	if (key === 'backspace') return {filter: filter.slice(0, -1), index: 0};
	return /^[A-Za-z0-9_-]$/.test(key) ? {filter: filter + key, index: 0} : null;
}
