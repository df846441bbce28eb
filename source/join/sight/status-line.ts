import {join} from 'node:path';
import {readOwnFile, writePrivate} from '../../hub/files/whole-file.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';

/** What Claude Code tells only its status line. */
export interface StatusLineInput {
	/** The session that it is about. */
	readonly session: string;
	/** US dollars. */
	readonly cost: number | null;
	readonly tokens: number | null;
	readonly context_window: number | null;
	readonly model: string | null;
}

function fileOf(state: string, tag: Tag): string {
	return join(state, 'status', `${foldTag(tag)}.line.json`);
}

/** Keeps it for the agent's server; does nothing if it is as before, or cannot be written. */
export function keepStatusLine(state: string, tag: Tag, input: StatusLineInput): void {
	const text = `${JSON.stringify(input)}\n`;
	try {
		if (readOwnFile(fileOf(state, tag)) === text) return;
	} catch {
		// There is none.
	}
	try {
		// It need not survive a power cut.
		writePrivate(fileOf(state, tag), text, {sync: false});
	} catch {
		// A full disk must not keep the line from being shown.
	}
}

/** What was kept last of that session; null if there is none. */
export function keptStatusLine(state: string, tag: Tag, session: string): StatusLineInput | null {
	try {
		const kept = JSON.parse(readOwnFile(fileOf(state, tag))) as StatusLineInput;
		return kept.session === session ? kept : null;
	} catch {
		return null;
	}
}

/** What a client wrote to the status line's stdin; null if it names no session. */
export function readStatusLineInput(value: unknown): StatusLineInput | null {
	const fields = (of: unknown): {readonly [name: string]: unknown} =>
		typeof of === 'object' && of !== null ? (of as {readonly [name: string]: unknown}) : {};
	const number = (of: unknown): number | null => (typeof of === 'number' && Number.isFinite(of) && of >= 0 ? of : null);
	const {session_id: session, cost, context_window: window, model} = fields(value);
	if (typeof session !== 'string') return null;
	const size = number(fields(window)['context_window_size']);
	const used = fields(fields(window)['current_usage']);
	const counts = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'].map(name =>
		number(used[name]),
	);
	const tokens = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
	const {id} = fields(model);
	return {
		session,
		cost: number(fields(cost)['total_cost_usd']),
		tokens: tokens > 0 ? tokens : null,
		context_window: size,
		model: typeof id === 'string' ? id.slice(0, 80) : null,
	};
}
