import type {ModelRequest} from './terminal-stage.ts';

/** The requests of turns: those without tools are for titles and the like. */
export const turnsIn = (requests: readonly ModelRequest[]): ModelRequest[] =>
	requests.filter(({body}) => (body.tools?.length ?? 0) > 0);

/** What came since the model last spoke, as JSON. */
export function newsIn({body}: ModelRequest): string {
	const messages = (body.messages ?? []) as readonly {readonly role: string}[];
	return JSON.stringify(messages.slice(messages.findLastIndex(({role}) => role === 'assistant') + 1));
}

/** The turns in which this text was news. */
export const turnsWith = (requests: readonly ModelRequest[], text: string): ModelRequest[] =>
	turnsIn(requests).filter(request => newsIn(request).includes(text));
