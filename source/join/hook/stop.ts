import type {SharedFile} from '../../mailbox/sight/sight.ts';
import {printable} from '../../printable.ts';
import type {SessionFile} from './hook-session.ts';
import type {Call} from './rpc.ts';

/** A human's wish that the client stops. */
export interface Wish {
	readonly asked_by: string | null;
	readonly reason: string | null;
}

/** Null if nobody wishes it. */
export function readWish(value: unknown): Wish | null {
	if (typeof value !== 'object' || value === null) return null;
	const {asked_by, reason} = value as {readonly [name in keyof Wish]?: unknown};
	return {
		asked_by: typeof asked_by === 'string' ? asked_by : null,
		reason: typeof reason === 'string' && reason !== '' ? reason : null,
	};
}

/** The files that the answer to a hook names. */
export function readFiles(value: unknown): SharedFile[] {
	return Array.isArray(value) ? value.filter(isFile) : [];
}

function isFile(value: unknown): value is SharedFile {
	const {path, tag, edited_at} = (value ?? {}) as {readonly [name in keyof SharedFile]?: unknown};
	return typeof path === 'string' && typeof tag === 'string' && typeof edited_at === 'string';
}

interface Means {
	readonly session: SessionFile;
	/** The running client. */
	readonly client: string | null;
	/** Whether the client's turn ends when its hook says so. */
	readonly stops: boolean;
	readonly call: Call;
	readonly write: (text: string) => Promise<void>;
}

/**
 * Ends the client's turn, and says who wanted that and why: the client shows it to its user. No Stop hook runs then. Codex gives the
 * text to its model instead of the tool's result, so it says what is asked for.
 */
export async function stopClient(
	{write, call, session, client, stops}: Means,
	{asked_by, reason}: Wish,
): Promise<void> {
	const who = printable(asked_by ?? 'The owner');
	const why = reason === null ? '' : `: ${printable(reason)}`;
	const stopReason = stops
		? `agentmux: ${who} stopped this agent${why}`
		: `agentmux: ${who} asks this agent to stop here and to end its turn${why}`;
	// First, because the agent's server takes a turn that ends without this for an interrupted one.
	if (stops) session.change({working: false, blocked: []});
	await write(`${JSON.stringify({continue: false, stopReason})}\n`);
	await call('agent_stopped', {p_session: client, p_idle: stops});
}
