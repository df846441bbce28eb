import {editsIn} from './edits.ts';

/** The events for which a client such as Claude Code starts the hook. */
export const hookEvents = [
	'SessionStart',
	'UserPromptSubmit',
	'PostToolBatch',
	'PermissionRequest',
	'Stop',
	'StopFailure',
	'FileChanged',
	'CwdChanged',
	'SessionEnd',
] as const;
/** With the events of other clients, which do not mark the events of their subagents. */
export type HookEvent = (typeof hookEvents)[number] | 'SubagentStart' | 'SubagentStop';

/** What the client writes to stdin. Fields that are missing or have another type are null. */
export interface HookInput {
	readonly session_id: string;
	/** Set if a subagent runs the hook. */
	readonly agent_id: string | null;
	/** The watched file that has changed. */
	readonly file_path: string | null;
	/** The prompt, which need not come from the user. */
	readonly prompt: string | null;
	/** The kind of a Notification event. */
	readonly notification_type: string | null;
	readonly tool_name: string | null;
	/** The input of that tool, parsed; undefined if there is none. */
	readonly tool_input: unknown;
	/** The rules that the client suggests for a request for permission. */
	readonly permission_suggestions: unknown;
	/** The folder in which it works. */
	readonly cwd: string | null;
	/** The client's own record of its session. */
	readonly transcript_path: string | null;
	/** The tools of a batch; empty for other events. */
	readonly tools: readonly string[];
	/** The files that those tools, or the one tool of the event, have edited, as they name them (edits.ts). */
	readonly edits: readonly string[];
	/** How a session started: `startup`, `resume`, `clear` or `compact`. */
	readonly source: string | null;
	/** Why a session ended: `clear` if the same client goes on with another. */
	readonly reason: string | null;
}

/** Throws if it is not a JSON object with a session. */
export function readInput(text: string): HookInput {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw new Error('stdin is not JSON; a client such as Claude Code must write it');
	}
	const input = typeof value === 'object' && value !== null ? (value as {readonly [name: string]: unknown}) : {};
	const word = (name: string): string | null => (typeof input[name] === 'string' ? input[name] : null);
	const session = word('session_id');
	if (session === null) throw new Error('stdin has no session_id');
	return {
		session_id: session,
		agent_id: word('agent_id'),
		file_path: word('file_path'),
		prompt: word('prompt'),
		notification_type: word('notification_type'),
		tool_name: word('tool_name'),
		tool_input: input['tool_input'],
		permission_suggestions: input['permission_suggestions'],
		cwd: word('cwd'),
		transcript_path: word('transcript_path'),
		tools: toolsOf(input['tool_calls']),
		edits: editsIn(input['tool_calls'] ?? [input]),
		source: word('source'),
		reason: word('reason'),
	};
}

function toolsOf(calls: unknown): string[] {
	if (!Array.isArray(calls)) return [];
	return calls.flatMap((call: {readonly tool_name?: unknown} | null) =>
		typeof call?.tool_name === 'string' ? [call.tool_name] : [],
	);
}

/** Tools with which two agents may merely talk: SQL, which also writes messages, and ours, except those that move a task. */
const talking =
	/^(?:mcp__supabase__|mcp__(?:plugin_)?agentmux[\w-]*__(?!(?:add_task|claim_task|task_progress|finish_task)$)|ToolSearch$)/;

/** Whether one of the tools did something else than talking to others. */
export function hasWorked(tools: readonly string[]): boolean {
	return tools.some(tool => !talking.test(tool));
}
