/** What a client like Claude Code starts the hook for. */
export const hookEvents = [
	'SessionStart',
	'UserPromptSubmit',
	'PostToolBatch',
	'PermissionRequest',
	'Stop',
	'StopFailure',
	'FileChanged',
	'SessionEnd',
] as const;
/** And what others tell, whose subagents do not say in each event that they are some. */
export type HookEvent = (typeof hookEvents)[number] | 'SubagentStart' | 'SubagentStop';

/** What the client says on stdin; what is not there, or of another kind, is null. */
export interface HookInput {
	readonly session_id: string;
	/** A subagent runs it. */
	readonly agent_id: string | null;
	/** Which watched file has changed. */
	readonly file_path: string | null;
	/** What the user is said to have said. */
	readonly prompt: string | null;
	/** What a client tells that is no event of its own. */
	readonly notification_type: string | null;
	readonly tool_name: string | null;
}

/** Throws for what is no JSON object with a session. */
export function readInput(text: string): HookInput {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new Error('stdin holds no JSON; a client like Claude Code writes it');
	}
	const input = typeof value === 'object' && value !== null ? (value as {readonly [name: string]: unknown}) : {};
	const word = (name: string): string | null => (typeof input[name] === 'string' ? input[name] : null);
	const session = word('session_id');
	if (session === null) throw new Error('stdin names no session_id');
	return {
		session_id: session,
		agent_id: word('agent_id'),
		file_path: word('file_path'),
		prompt: word('prompt'),
		notification_type: word('notification_type'),
		tool_name: word('tool_name'),
	};
}
