// What an agent sees in the answers of its tools, read back from their lines.
import type {Called} from './mcp.ts';

export interface ShownMessage {
	readonly id: number;
	readonly from: string;
	readonly provenance: string;
	readonly reply_to: number | undefined;
	/** Which hand-over it says to be; undefined for the first. */
	readonly again: number | undefined;
	readonly text: string;
	/** How to get the rest of a text that was cut. */
	readonly rest: string | undefined;
}

export interface ShownTask {
	readonly id: number;
	readonly level: number;
	readonly status: string;
	/** The rest of its head: who, how far, and other facts. */
	readonly facts: string;
	readonly title: string;
	/** The other texts, by their labels. */
	readonly texts: {readonly [label: string]: string};
	readonly rest: string | undefined;
}

const messageHead =
	/^#(?<id>\d+) from (?<from>\S+) \((?<provenance>.*)\), \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ(?:, in reply to #(?<reply>\d+))?(?:, again \((?<again>\d+)\w\w\))?:$/;
const taskHead = /^(?<indent> *)#(?<id>\d+) (?<status>queued|running|done|failed|dead|cancelled)(?<facts>.*):$/;
const cut = /^ *\(cut: (.*)\)$/;

export function messagesIn({text}: Pick<Called, 'text'>): ShownMessage[] {
	return blocks(text, messageHead).map(([{groups}, lines]) => ({
		id: Number(groups?.['id']),
		from: groups?.['from'] ?? '',
		provenance: groups?.['provenance'] ?? '',
		reply_to: groups?.['reply'] === undefined ? undefined : Number(groups['reply']),
		again: groups?.['again'] === undefined ? undefined : Number(groups['again']),
		text: quotedIn(lines),
		rest: restIn(lines),
	}));
}

export function tasksIn({text}: Pick<Called, 'text'>): ShownTask[] {
	return blocks(text, taskHead).map(([{groups}, lines]) => {
		const texts: Record<string, string> = {};
		let label = 'title';
		for (const line of lines) {
			const named = /^ *([a-z ]+):$/.exec(line)?.[1];
			const quoted = /^ *\| (.*)$/.exec(line)?.[1];
			if (named !== undefined) label = named;
			if (quoted !== undefined) texts[label] = texts[label] === undefined ? quoted : `${texts[label]}\n${quoted}`;
		}
		const {title = '', ...others} = texts;
		return {
			id: Number(groups?.['id']),
			level: (groups?.['indent'] ?? '').length / 2,
			status: groups?.['status'] ?? '',
			facts: groups?.['facts'] ?? '',
			title,
			texts: others,
			rest: restIn(lines),
		};
	});
}

/** Each line that is a head, with the lines up to the next. */
function blocks(text: string, head: RegExp): [RegExpExecArray, string[]][] {
	const found: [RegExpExecArray, string[]][] = [];
	for (const line of text.split('\n')) {
		const match = head.exec(line);
		if (match === null) found.at(-1)?.[1].push(line);
		else found.push([match, []]);
	}
	return found;
}

function quotedIn(lines: readonly string[]): string {
	return lines
		.filter(line => line.startsWith('  | '))
		.map(line => line.slice(4))
		.join('\n');
}

function restIn(lines: readonly string[]): string | undefined {
	return lines.map(line => cut.exec(line)?.[1]).find(rest => rest !== undefined);
}

/** The id of the message that send_message says it has sent. */
export function sentIn({text}: Pick<Called, 'text'>): number {
	return Number(/ as message #(\d+)\./.exec(text)?.[1]);
}

/** The ids of the task that add_task says it has added, and of its steps. */
export function addedIn({text}: Pick<Called, 'text'>): {readonly id: number; readonly steps: number[]} {
	const [id = Number.NaN, ...steps] = [...text.matchAll(/#(\d+)/g)].map(([, each]) => Number(each));
	return {id, steps};
}

/** The token of the claim that claim_task says it has made. */
export function tokenIn({text}: Pick<Called, 'text'>): number | undefined {
	const token = /\(token (\d+)\)/.exec(text)?.[1];
	return token === undefined ? undefined : Number(token);
}
