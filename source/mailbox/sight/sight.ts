/** What an agent does now, as far as its client's files say. Null: they do not, or did not yet. Times are ISO 8601. */
export interface Doing {
	/** The program: `claude`, `codex`, `gemini`. */
	readonly client: string | null;
	/** What the client itself says that it does: `busy`, `waiting`, `idle`. */
	readonly status: string | null;
	readonly waiting_for: string | null;
	/** The last tool. */
	readonly tool: string | null;
	/** Its most telling argument: one line, cut, with what looks like a secret masked. */
	readonly argument: string | null;
	readonly tool_at: string | null;
	/** The last line that its model said. */
	readonly said: string | null;
	readonly said_at: string | null;
	/** The last prompt that its user typed. */
	readonly prompt: string | null;
	readonly prompted_at: string | null;
	readonly model: string | null;
	/** The size of its context. */
	readonly tokens: number | null;
	/** The greatest size of its context. */
	readonly context_window: number | null;
	/** US dollars that its session has cost. */
	readonly cost: number | null;
}

/** A human's wish that an agent stops, or that it has stopped for that. */
export interface Stop {
	readonly asked_by: string | null;
	readonly asked_at: string;
	/** When its client was told to stop; null if it was not yet. */
	readonly stopped_at: string | null;
	readonly reason: string | null;
}

/** A file that another agent edited within ten minutes of when this one did, on the same machine. */
export interface SharedFile {
	readonly path: string;
	readonly tag: string;
	/** When the other one did. */
	readonly edited_at: string;
}

/** What is known of an agent beside its presence. */
export interface Sight {
	readonly tag: string;
	/** Null if its server has written nothing: it is off, or has not run. */
	readonly doing: (Doing & {readonly updated_at: string}) | null;
	/** The newest. */
	readonly stop: Stop | null;
	/** Newest first. */
	readonly files: readonly SharedFile[];
}

/** A client that was asked to stop. */
export interface StopAsked extends Stop {
	readonly tag: string;
	readonly session: string;
}

export const doesNothing: Doing = {
	client: null,
	status: null,
	waiting_for: null,
	tool: null,
	argument: null,
	tool_at: null,
	said: null,
	said_at: null,
	prompt: null,
	prompted_at: null,
	model: null,
	tokens: null,
	context_window: null,
	cost: null,
};

/** How full its context is, in percent; null if that is not known. */
function contextShare({tokens, context_window}: Pick<Doing, 'tokens' | 'context_window'>): number | null {
	if (tokens === null || context_window === null || context_window <= 0) return null;
	return Math.min(100, Math.round((tokens / context_window) * 100));
}

/** `41k` for 41,234; as it is below a thousand. */
export function shortCount(count: number): string {
	if (count < 1000) return String(count);
	return count < 999_500 ? `${Math.round(count / 1000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** `context 41%`, or `41k tokens` where its greatest size is not known; null if nothing is. Briefly: `41%`, `41k`. */
export function contextText(doing: Pick<Doing, 'tokens' | 'context_window'>, brief = false): string | null {
	const share = contextShare(doing);
	if (share !== null) return brief ? `${share}%` : `context ${share}%`;
	if (doing.tokens === null) return null;
	return brief ? shortCount(doing.tokens) : `${shortCount(doing.tokens)} tokens`;
}

/** `Bash npm test`. Remote text, not made printable. Null if no tool was used. */
export function toolText({tool, argument}: Pick<Doing, 'tool' | 'argument'>): string | null {
	return tool === null ? null : `${tool} ${argument ?? ''}`.trim();
}

/** `stopped by HUMAN: reason`, or `asked to stop by HUMAN: reason`. Remote text, not made printable. */
export function stopText({asked_by, stopped_at, reason}: Omit<Stop, 'asked_at'>): string {
	const who = `${stopped_at === null ? 'asked to stop' : 'stopped'} by ${asked_by ?? 'the owner'}`;
	return reason === null || reason === '' ? who : `${who}: ${reason}`;
}
