import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {MailboxError, type ErrorCode} from '../../mailbox/error.ts';
import {printable} from '../../printable.ts';
import {agentLine, agentText} from '../../quotation/agent-text.ts';

/** Characters of `structuredContent` as JSON. Claude Code puts an answer of more than 50,000 into a file. */
export const answerRoom = 46_000;

interface Data {
	readonly [name: string]: unknown;
}

/**
 * A tool's result: lines for reading, and the same as data. Clients show either of the two, and Claude Code gives its model
 * the data alone: whatever the model has to know stands in both, and both go through the gate. What there is none of is left
 * out of the data and not null: that is shorter, and schemas without null are understood by more clients.
 */
export function answer(lines: readonly string[], data: Data): CallToolResult {
	return {content: [{type: 'text', text: lines.map(agentLine).join('\n')}], structuredContent: visible(data) as Data};
}

/** The value with every text in it as it may be shown, without what is undefined and what lies too deep to be read. */
export function visible(value: unknown, depth = 100): unknown {
	if (typeof value === 'string') return agentText(value);
	if (typeof value !== 'object' || value === null) return value;
	if (depth === 0) return '…';
	if (Array.isArray(value)) return value.map(inner => visible(inner, depth - 1));
	const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
	return Object.fromEntries(entries.map(([name, inner]) => [printable(name), visible(inner, depth - 1)]));
}

/** What an agent should do about it, where the error's own remedy speaks to a person at a terminal. */
const advice: Partial<Record<ErrorCode, string>> = {
	offline:
		'Nothing is lost. Call the tool again with the same arguments in a few seconds; if it stays so, tell the human.',
	unauthorized: 'Trying again will not help: tell the human.',
	forbidden: 'Trying again will not help: do something else, or ask the human.',
	schema: 'Trying again will not help: tell the human.',
	internal: 'Try once more; if it stays so, tell the human.',
};

/** The same, where the error knows no remedy. */
const remedies: Partial<Record<ErrorCode, string>> = {
	not_found: 'Look the id up first: search_messages and list_tasks show what there is.',
	invalid: 'Change that and call the tool again.',
	conflict: 'Look first how it stands: list_tasks shows it.',
};

/** Runs a tool; what can be expected to fail becomes a result that tells the agent what happened and what to do. */
export async function answering(work: () => Promise<CallToolResult>): Promise<CallToolResult> {
	try {
		return await work();
	} catch (error) {
		const known = error instanceof MailboxError ? error : new MailboxError('internal', String(error));
		const remedy = known.remedy === '' ? (remedies[known.code] ?? '') : known.remedy;
		const parts = [known.message, remedy, advice[known.code] ?? ''].filter(part => part !== '');
		return {isError: true, content: [{type: 'text', text: agentLine(parts.join(' '))}]};
	}
}
