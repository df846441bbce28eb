import {readdirSync, readFileSync} from 'node:fs';
import {members} from '../../../source/hub/realtime/json-text.ts';

const folder = new URL('recordings/', import.meta.url);

/** One line of a recording; see recordings/README.md. */
export interface Line {
	readonly dir: 'out' | 'in' | 'sql' | 'http' | 'note';
	readonly client: string;
	/** The frame's own text, digits and key order kept. */
	readonly text: string;
	readonly frame: unknown;
}

export function recordings(): string[] {
	return readdirSync(folder).filter(name => name.endsWith('.jsonl'));
}

export function readRecording(name: string): Line[] {
	return readFileSync(new URL(name, folder), 'utf8')
		.trim()
		.split('\n')
		.map(line => {
			const fields = members(line);
			const field = (name: string): unknown => JSON.parse(fields.get(name) ?? '""');
			const text = expand(fields.get('frame') ?? 'null');
			return {dir: field('dir'), client: field('client'), text, frame: JSON.parse(text)} as Line;
		});
}

/** `<x*5000>` stands for 5,000 times `x`. */
function expand(text: string): string {
	return text.replaceAll(/<x\*(\d+)>/gu, (_, count) => 'x'.repeat(Number(count)));
}

/** One frame that a client got: its text, or the base64 of a binary one. */
export interface Heard {
	readonly client: string;
	readonly text: string;
	readonly binary: boolean;
}

/**
 * What can be compared of the frames: in lists within which the order is stable, volatile values replaced by their first
 * appearance. Numbers are compared by their digits.
 */
export function comparable(frames: readonly Heard[]): {[list: string]: unknown[]} {
	const lists: {[list: string]: unknown[]} = {};
	const names = new Map<string, string>();
	const rename = (kind: string, value: unknown): string => {
		const key = `${kind} ${String(value)}`;
		const known = names.get(key) ?? `<${kind} ${names.size + 1}>`;
		names.set(key, known);
		return known;
	};
	for (const [list, heard] of [...Map.groupBy(frames, listOf)].sort(([a], [b]) => (a < b ? -1 : 1))) {
		lists[list] = heard.map(({text, binary}) => (binary ? text : mask(parse(text), rename)));
	}
	return lists;

	function listOf({client, text, binary}: Heard): string {
		if (binary) return `${client} binary`;
		const value = JSON.parse(text) as Named | [unknown, unknown, string, string, unknown];
		const {topic, event, payload} = Array.isArray(value)
			? {topic: value[2], event: value[3], payload: value[4]}
			: value;
		// The order between a reply and what the same push caused is volatile, and so is that between senders.
		if (event === 'broadcast') return `${client} ${topic} broadcast ${JSON.stringify((payload as Named).event)}`;
		return `${client} ${topic} ${event.startsWith('presence') ? 'presence' : 'others'}`;
	}
}

interface Named {
	readonly topic: string;
	readonly event: string;
	readonly payload: unknown;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u;

function mask(value: unknown, rename: (kind: string, value: unknown) => string, key = '', above = ''): unknown {
	if (Array.isArray(value)) return value.map(element => mask(element, rename, key, above));
	if (typeof value === 'object' && value !== null) {
		const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
		return Object.fromEntries(
			entries.map(([name, member]) => [uuid.test(name) ? rename('uuid', name) : name, mask(member, rename, name, key)]),
		);
	}
	if (typeof value !== 'string') return value;
	if (key === 'commit_timestamp') return '<time>';
	if (key === 'phx_ref' || key === 'phx_ref_prev') return rename('ref', value);
	if (key === 'id' && uuid.test(value)) return rename('uuid', value);
	if (key === 'ids' || (key === 'id' && above === 'postgres_changes')) return rename('binding', value);
	return value.replace(/expired \d+ seconds ago/u, 'expired <n> seconds ago');
}

/** Numbers come as their digits. */
function parse(text: string): unknown {
	type Reviver = (this: unknown, key: string, value: unknown, context: {source?: string}) => unknown;
	const digits: Reviver = (_key, value, context) => (typeof value === 'number' ? `#${context.source}` : value);
	return JSON.parse(text, digits as (key: string, value: unknown) => unknown);
}
