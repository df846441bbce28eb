import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';
import {sharedText} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer} from '../answers/answer.ts';
import type {RequestId} from './after-answer.ts';
import type {Session} from './session.ts';
import {quoteAll, quotedBlock, quotedMessage} from '../answers/quoted.ts';
import type {Taken, Taking} from './taking.ts';

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

/** The answer that hands over messages which were taken; they are marked as delivered once it was written, or given back. */
export function handOver(
	{session, mailbox, taking}: {readonly session: Session; readonly mailbox: Mailbox; readonly taking: Taking},
	given: Taken,
	{requestId, signal}: Request,
	{none, next, remarks = [], data}: Words,
): CallToolResult {
	const taken = taking.stillHeld(mailbox, given);
	const messages = quoteAll(taken.messages, session.tag, taken.again);
	const {more} = taken;
	const rest = more ? ['There may be more: check_messages.'] : [];
	const shared = session.isShared() ? [sharedText(session.tag)] : [];
	const hint = [...(messages.length === 0 ? [next] : [howToClose, ...rest]), ...remarks, ...shared].join(' ');
	const all = {notice, messages, more, hint, ...data};
	if (messages.length === 0) return answer([`${none} ${hint}`], all);
	taking.answered(mailbox, taken, requestId, signal);
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}`;
	return answer(quotedBlock(`${count} for ${session.tag}.`, messages, hint), all);
}
