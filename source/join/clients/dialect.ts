import {hookEvents, type HookEvent, type HookInput} from '../hook/hook-input.ts';
import {isMailText} from '../hook/mail.ts';

/**
 * The clients, and for each what its own events are to us. All three speak as Claude Code does: a JSON object with a
 * session_id on stdin, and on stdout either `hookSpecificOutput` or `decision`.
 */
export const dialects = {
	claude: Object.fromEntries(hookEvents.map(event => [event, event])),
	/** Codex 0.169: hooks of tools that ran side by side run side by side as well. */
	codex: {
		SessionStart: 'SessionStart',
		UserPromptSubmit: 'UserPromptSubmit',
		PostToolUse: 'PostToolBatch',
		PermissionRequest: 'PermissionRequest',
		Stop: 'Stop',
		Interrupt: 'StopFailure',
		SessionEnd: 'SessionEnd',
	},
	/** Gemini CLI 0.61: of its tools before they run, only a subagent; of its notifications, only that it asks for a permission. */
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
/** Of Gemini CLI. */
export const subagentTool = 'invoke_agent';

export type ClientId = keyof typeof dialects;

/** Whose hook it is, by the words that join wrote: `--client gemini`, or nothing for Claude Code. Throws for another. */
export function clientIn(words: readonly string[]): ClientId {
	const at = words.indexOf('--client');
	const word = at === -1 ? 'claude' : (words[at + 1] ?? '');
	if (Object.hasOwn(dialects, word)) return word as ClientId;
	throw new Error(`there is no client \`${word}\``);
}

/** Our event for the client's. Throws for one that it does not have. */
export function eventOf(client: ClientId, theirs: string): HookEvent {
	const events: {readonly [theirs: string]: HookEvent} = dialects[client];
	const event = Object.hasOwn(events, theirs) ? events[theirs] : undefined;
	if (event === undefined) throw new Error(`there is no event \`${theirs}\``);
	return event;
}

/** What an event of a client comes to; null: to nothing. */
export function heard(
	client: ClientId,
	theirs: string,
	input: HookInput,
): {readonly event: HookEvent; readonly input: HookInput} | null {
	const event = eventOf(client, theirs);
	if (client !== 'gemini') return {event, input};
	if (event === 'PermissionRequest') return input.notification_type === 'ToolPermission' ? {event, input} : null;
	// What its subagents do looks like what the agent does: they are known by the tool that starts them.
	const isSubagent = input.tool_name === subagentTool;
	if (event === 'SubagentStart') return isSubagent ? {event, input} : null;
	if (event === 'PostToolBatch' && isSubagent) return {event: 'SubagentStop', input};
	// It gives the agent what AfterAgent answered as a prompt: that is nothing that the user said.
	const own = event === 'UserPromptSubmit' && isMailText(input.prompt ?? '');
	return {event: own ? 'PostToolBatch' : event, input};
}

/**
 * An answer of ours as the client takes it, under its own name of the event; empty when it has no use for it. Codex
 * throws the whole of an answer away over one field that it does not know.
 */
export function answer(client: ClientId, theirs: string, text: string): string {
	if (client === 'claude' && theirs !== 'Stop') return text;
	const {decision, reason, systemMessage, hookSpecificOutput} = JSON.parse(text) as {
		readonly [field: string]: unknown;
		readonly hookSpecificOutput?: {readonly additionalContext?: string};
	};
	const additionalContext = hookSpecificOutput?.additionalContext;
	if (client === 'claude') {
		// Claude Code 2.1 shows its model the reason of a block twice, and context that a Stop hook adds once; both keep it going.
		return `${JSON.stringify({hookSpecificOutput: {hookEventName: theirs, additionalContext: reason}})}\n`;
	}
	const known = {
		...(decision === undefined ? {} : {decision, reason}),
		...(systemMessage === undefined ? {} : {systemMessage}),
		...(additionalContext === undefined ? {} : {hookSpecificOutput: {hookEventName: theirs, additionalContext}}),
	};
	return Object.keys(known).length === 0 ? '' : `${JSON.stringify(known)}\n`;
}
