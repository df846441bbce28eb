import type {ChangeType} from './binding.ts';
import type {JsonText} from './json-text.ts';

/** A changed row, as the capture trigger reported it. */
export interface RowChange {
	readonly kind: 'change';
	/** The table's oid. */
	readonly relation: string;
	readonly type: ChangeType;
	/** ISO 8601, milliseconds, Z. */
	readonly at: string;
	/** The new row; only its key if `bytes` is not 0; null for a DELETE, or if even the key was too large. */
	readonly record: JsonText | null;
	/** The old row, or its replica identity. */
	readonly old: JsonText | null;
	/** The size of a row that must be read from the database; 0 if the notice contains it. */
	readonly bytes: number;
}

/** A row of realtime.messages. */
export interface Message {
	readonly kind: 'message';
	readonly private: boolean;
	readonly id: string;
	/** Null: it was too large for a notice. */
	readonly content: {readonly topic: string; readonly event: JsonText; readonly payload: JsonText} | null;
}

export type Notice = RowChange | Message | {readonly kind: 'ddl'};

const types: {readonly [letter: string]: ChangeType} = {I: 'INSERT', U: 'UPDATE', D: 'DELETE'};

/** Parses a notice of the triggers in schema/realtime.ts, after the database's `key`. Null for notices from anyone else. */
export function parseNotice(text: string, key: string): Notice | null {
	if (key === '' || !text.startsWith(`${key} `)) return null;
	const [head = '', ...lines] = text.slice(key.length + 1).split('\n');
	const [kind, ...words] = head.split(' ');
	const [first = '', second = '', ms, , bytes] = words;
	if (kind === 'ddl') return {kind};
	if (kind === 'b' && words.length === 2) return parseMessage(first === 't', second, lines);
	const type = types[second];
	const at = new Date(Number(ms));
	if (kind !== 'c' || words.length !== 5 || type === undefined || Number.isNaN(at.getTime())) return null;
	return {
		kind: 'change',
		relation: first,
		type,
		at: at.toISOString(),
		record: lines[0] === undefined || lines[0] === '' ? null : lines[0],
		old: lines[1] === undefined || lines[1] === '' ? null : lines[1],
		bytes: Number(bytes),
	};
}

function parseMessage(isPrivate: boolean, id: string, [topic, event, payload]: readonly string[]): Message {
	const whole = topic !== undefined && event !== undefined && payload !== undefined;
	const content = whole ? {topic: JSON.parse(topic) as string, event, payload} : null;
	return {kind: 'message', private: isPrivate, id, content};
}
