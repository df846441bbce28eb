/** Recent searches and commands, the latest first, without duplicates. */
export interface Recent {
	readonly searches: readonly string[];
	/** Names of the commands that the palette ran. */
	readonly commands: readonly string[];
}

export const nothingRecent: Recent = {searches: [], commands: []};

const maxRecent = 50;
/** Longer texts are not saved. */
const maxLength = 1000;

export function withRecent(recent: Recent, kind: keyof Recent, text: string): Recent {
	if (text === '') return recent;
	return {...recent, [kind]: [text, ...recent[kind].filter(each => each !== text)].slice(0, maxRecent)};
}

/** The entries of two screens, this one's first. */
export function mergedRecent(own: Recent, other: Recent): Recent {
	const both = (kind: keyof Recent): string[] => [...new Set([...own[kind], ...other[kind]])].slice(0, maxRecent);
	return {searches: both('searches'), commands: both('commands')};
}

/** The part of it that is saved. */
export function keptRecent({searches, commands}: Recent): Recent {
	return {searches: searches.filter(isShort), commands: commands.filter(isShort)};
}

/** Whether a value read from the file has the right shape. */
export function isRecent(value: unknown): value is Recent {
	if (typeof value !== 'object' || value === null) return false;
	const {searches, commands} = value as {readonly [key: string]: unknown};
	return [searches, commands].every(
		list =>
			Array.isArray(list) && list.length <= maxRecent && list.every(text => typeof text === 'string' && isShort(text)),
	);
}

function isShort(text: string): boolean {
	return text !== '' && text.length <= maxLength;
}
