import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';
import {sharedText} from '../mailbox/agent.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import {notice} from '../quotation/agent-text.ts';
import {answer} from './answer.ts';
import type {Desk, RequestId} from './desk.ts';
import {quoteAll, quotedBlock, quotedMessage} from './quoted.ts';

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

export const howToClose =
	'send_message with reply_to answers a message and acknowledges it; ack_message only acknowledges.';

interface Request {
	readonly limit: number;
	readonly requestId: RequestId;
	readonly signal: AbortSignal;
}

interface Words {
	/** Said when nothing was taken, and what can be done then. */
	readonly none: string;
	readonly next: string;
	/** What else there is to say. */
	readonly remarks?: readonly string[];
	/** What else stands in the data. */
	readonly data: {readonly [name: string]: unknown};
}

/** The answer that hands over messages which were taken; they are marked as delivered once it was written. */
export function handOver(
	desk: Desk,
	mailbox: Mailbox,
	taken: readonly Message[],
	{limit, requestId, signal}: Request,
	{none, next, remarks = [], data}: Words,
): CallToolResult {
	const messages = quoteAll(taken, desk.tag);
	const more = taken.length >= limit;
	const rest = more ? ['There may be more: check_messages.'] : [];
	const shared = desk.isShared() ? [sharedText(desk.tag)] : [];
	const hint = [...(taken.length === 0 ? [next] : [howToClose, ...rest]), ...remarks, ...shared].join(' ');
	const all = {notice, messages, more, hint, ...data};
	if (taken.length === 0) return answer([`${none} ${hint}`], all);
	// A request that was given up is not answered: what it took is handed over when its lease has run out.
	const ids = taken.map(({id}) => id);
	if (!signal.aborted) desk.afterAnswer(requestId, () => mailbox.deliver(ids, route));
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}`;
	return answer(quotedBlock(`${count} for ${desk.tag}.`, messages, hint), all);
}
