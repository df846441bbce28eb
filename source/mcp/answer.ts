import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {MailboxError, type ErrorCode} from '../mailbox/error.ts';
import {printable} from '../printable.ts';

/** A tool's result: lines for reading, the same as data beside it. */
export function answer(lines: readonly string[], data: {[name: string]: unknown}): CallToolResult {
	return {content: [{type: 'text', text: lines.join('\n')}], structuredContent: data};
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

/** Runs a tool; what can be expected to fail becomes a result that tells the agent what happened and what to do. */
export async function answering(work: () => Promise<CallToolResult>): Promise<CallToolResult> {
	try {
		return await work();
	} catch (error) {
		const known = error instanceof MailboxError ? error : new MailboxError('internal', String(error));
		const parts = [known.message, known.remedy, advice[known.code] ?? ''].filter(part => part !== '');
		return {isError: true, content: [{type: 'text', text: printable(parts.join(' '))}]};
	}
}
