import type {PermissionDecision} from '../hook/approving.ts';
import {hookEvents, type HookEvent, type HookInput} from '../hook/hook-input.ts';
import {isMailText} from '../hook/mail.ts';

/**
 * For each client, the mapping from its events to ours. All three use Claude Code's protocol: a JSON object with a session_id on
 * stdin, and either `hookSpecificOutput` or `decision` on stdout.
 */
export const dialects = {
	claude: Object.fromEntries(hookEvents.map(event => [event, event])),
	/** Codex 0.169. The hooks of tools that ran in parallel also run in parallel. */
	codex: {
		SessionStart: 'SessionStart',
		UserPromptSubmit: 'UserPromptSubmit',
		PostToolUse: 'PostToolBatch',
		PermissionRequest: 'PermissionRequest',
		Stop: 'Stop',
		Interrupt: 'StopFailure',
		SessionEnd: 'SessionEnd',
	},
	/** Gemini CLI 0.61. BeforeTool matters only for subagents, and Notification only for permission requests. */
	gemini: {
		SessionStart: 'SessionStart',
		BeforeAgent: 'UserPromptSubmit',
		BeforeTool: 'SubagentStart',
		AfterTool: 'PostToolBatch',
		Notification: 'PermissionRequest',
		AfterAgent: 'Stop',
		SessionEnd: 'SessionEnd',
	},
} as const satisfies {readonly [client: string]: {readonly [theirs: string]: HookEvent}};
/** The tool that starts a subagent of Gemini CLI. */
export const subagentTool = 'invoke_agent';

export type ClientId = keyof typeof dialects;

/** The client of a hook, by the arguments that join wrote: `--client gemini`, or nothing for Claude Code. Throws if it is unknown. */
export function clientIn(words: readonly string[]): ClientId {
	const at = words.indexOf('--client');
	const word = at === -1 ? 'claude' : (words[at + 1] ?? '');
	if (Object.hasOwn(dialects, word)) return word as ClientId;
	throw new Error(`unknown client \`${word}\``);
}

/** Maps a client's event to ours. Throws if it is unknown. */
export function eventOf(client: ClientId, theirs: string): HookEvent {
	const events: {readonly [theirs: string]: HookEvent} = dialects[client];
	const event = Object.hasOwn(events, theirs) ? events[theirs] : undefined;
	if (event === undefined) throw new Error(`unknown event \`${theirs}\``);
	return event;
}

/** Our event for a client's event and its input; null if it can be ignored. */
export function parseEvent(
	client: ClientId,
	theirs: string,
	input: HookInput,
): {readonly event: HookEvent; readonly input: HookInput} | null {
	const event = eventOf(client, theirs);
	if (client !== 'gemini') return {event, input};
	if (event === 'PermissionRequest') return input.notification_type === 'ToolPermission' ? {event, input} : null;
	// Events of its subagents look like the agent's. Only the tool that starts one tells them apart.
	const isSubagent = input.tool_name === subagentTool;
	if (event === 'SubagentStart') return isSubagent ? {event, input} : null;
	if (event === 'PostToolBatch' && isSubagent) return {event: 'SubagentStop', input};
	// It passes our answer to AfterAgent to the agent as a prompt, which does not come from the user.
	const own = event === 'UserPromptSubmit' && isMailText(input.prompt ?? '');
	return {event: own ? 'PostToolBatch' : event, input};
}

function plain({behavior, message}: PermissionDecision): PermissionDecision {
	return {behavior, ...(message === undefined ? {} : {message})};
}

/**
 * Converts our answer to the client's format, with its own name of the event; empty if it has no use for it. Codex discards an
 * entire answer if it has one unknown field.
 */
export function formatAnswer(client: ClientId, theirs: string, text: string): string {
	if (client === 'claude' && theirs !== 'Stop') return text;
	const {decision, reason, systemMessage, hookSpecificOutput, stopReason} = JSON.parse(text) as {
		readonly [field: string]: unknown;
		readonly hookSpecificOutput?: {readonly additionalContext?: string; readonly decision?: PermissionDecision};
	};
	const {additionalContext, decision: permission} = hookSpecificOutput ?? {};
	if (client === 'claude') {
		// Claude Code 2.1 shows its model the reason of a block twice, but additional context of a Stop hook once. Both keep it going.
		return `${JSON.stringify({hookSpecificOutput: {hookEventName: theirs, additionalContext: reason}})}\n`;
	}
	const known = {
		...(decision === undefined ? {} : {decision, reason}),
		...(systemMessage === undefined ? {} : {systemMessage}),
		...(stopReason === undefined ? {} : {continue: false, stopReason}),
		...(additionalContext === undefined ? {} : {hookSpecificOutput: {hookEventName: theirs, additionalContext}}),
		...(permission === undefined ? {} : {hookSpecificOutput: {hookEventName: theirs, decision: plain(permission)}}),
	};
	return Object.keys(known).length === 0 ? '' : `${JSON.stringify(known)}\n`;
}
