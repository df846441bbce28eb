/** What was searched for and run, the latest first, each once. */
export interface Recent {
	readonly searches: readonly string[];
	/** Names of what the palette ran. */
	readonly commands: readonly string[];
}

export const nothingRecent: Recent = {searches: [], commands: []};

const most = 50;

export function withRecent(recent: Recent, kind: keyof Recent, text: string): Recent {
	if (text === '') return recent;
	return {...recent, [kind]: [text, ...recent[kind].filter(each => each !== text)].slice(0, most)};
}
