import {z} from 'zod';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {Desk, RequestId} from './desk.ts';
import {notice, quoteAll, quotedLines, quotedMessage, type Quoted} from './quoted.ts';

/** What `receipts` calls this way. */
export const route = 'mcp';

export const limitSchema = z.number().int().min(1).max(50).default(20).describe('At most this many messages.');

/** What every hand-over answers with. */
export const handOverShape = {
	notice: z.string(),
	messages: z.array(quotedMessage),
	more: z.boolean().describe('There may be further ones.'),
	hint: z.string().describe('What can be done next.'),
};

interface HandOver {
	readonly lines: string[];
	readonly data: {readonly notice: string; readonly messages: Quoted[]; readonly more: boolean; readonly hint: string};
}

/** Puts together the answer that hands over messages which were taken, and marks them as delivered once it was written. */
export function handOver(
	desk: Desk,
	mailbox: Mailbox,
	taken: readonly Message[],
	{limit, requestId, signal}: {readonly limit: number; readonly requestId: RequestId; readonly signal: AbortSignal},
): HandOver {
	const ids = taken.map(({id}) => id);
	// A request that was given up is not answered: what it took is handed over when its lease has run out.
	if (ids.length > 0 && !signal.aborted) desk.afterAnswer(requestId, () => mailbox.deliver(ids, route));
	const messages = quoteAll(taken);
	const more = taken.length >= limit;
	const hint = [
		'send_message with reply_to answers a message and acknowledges it; ack_message only acknowledges.',
		...(more ? ['There may be more: check_messages.'] : []),
	].join(' ');
	return {lines: quotedPart(desk, messages, hint), data: {notice, messages, more, hint}};
}

function quotedPart({tag}: Desk, messages: readonly Quoted[], hint: string): string[] {
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}`;
	const lines = [`${count} for ${tag}. ${notice}`];
	for (const message of messages) lines.push('', ...quotedLines(message));
	return [...lines, '', hint];
}
