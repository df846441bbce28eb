import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {MailboxError, type ErrorCode} from '../../mailbox/error.ts';
import {printable} from '../../printable.ts';
import {agentLine, agentText} from '../../quotation/agent-text.ts';

/**
 * Runs a tool. Its lines are made printable, and `note`, if any, is the last one. Expected failures become a result that tells the
 * agent what happened and what to do. There is no `structuredContent`: clients that have it show it instead of the lines, in which
 * the words of others have no gutter, or in addition to them.
 */
export async function answering(
	work: () => Promise<readonly string[]>,
	note: () => string | null = () => null,
): Promise<CallToolResult> {
	try {
		return result(await work(), note(), false);
	} catch (error) {
		const known = error instanceof MailboxError ? error : new MailboxError('internal', String(error));
		const remedy = known.remedy === '' ? (remedies[known.code] ?? '') : known.remedy;
		const parts = [known.message, remedy, advice[known.code] ?? ''].filter(part => part !== '');
		return result([parts.join(' ')], note(), true);
	}
}

function result(lines: readonly string[], note: string | null, isError: boolean): CallToolResult {
	const all = note === null ? lines : [...lines, note];
	const text = all.map(agentLine).join('\n');
	return {...(isError ? {isError} : {}), content: [{type: 'text', text}]};
}

/** The value with every text made printable, without undefined values and without anything nested too deeply. */
export function printableValue(value: unknown, depth = 100): unknown {
	if (typeof value === 'string') return agentText(value);
	if (typeof value !== 'object' || value === null) return value;
	if (depth === 0) return '…';
	if (Array.isArray(value)) return value.map(inner => printableValue(inner, depth - 1));
	const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
	return Object.fromEntries(entries.map(([name, inner]) => [printable(name), printableValue(inner, depth - 1)]));
}

/** What an agent should do, where the error's own remedy is meant for a person at a terminal. */
const advice: Partial<Record<ErrorCode, string>> = {
	offline:
		'Nothing is lost. Call the tool again with the same arguments in a few seconds; if it keeps failing, tell the human.',
	unauthorized: 'Retrying will not help; tell the human.',
	forbidden: 'Retrying will not help; do something else, or ask the human.',
	schema: 'Retrying will not help; tell the human.',
	internal: 'Try once more; if it fails again, tell the human.',
};

/** Remedies for errors without one. */
const remedies: Partial<Record<ErrorCode, string>> = {
	not_found: 'Look up the id first, with check_messages or list_tasks.',
	invalid: 'Correct that and call the tool again.',
	conflict: 'Check the current state first, with list_tasks.',
};
