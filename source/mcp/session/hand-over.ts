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

export const limitSchema = z.number().int().min(1).max(50).default(20).describe('The maximum number of messages.');

/** The fields in the answer of every hand-over. */
export const handOverShape = {
	notice: z.string(),
	messages: z.array(quotedMessage),
	more: z.boolean().describe('Whether there may be more.'),
	hint: z.string().describe('What you can do next.'),
};

export const howToClose =
	'send_message with reply_to answers a message and acknowledges it; ack_message only acknowledges.';

interface Request {
	readonly requestId: RequestId;
	readonly signal: AbortSignal;
}

interface Texts {
	/** For the case that there are no messages: a sentence, and what to do next. */
	readonly none: string;
	readonly next: string;
	/** Additional sentences for the hint. */
	readonly remarks?: readonly string[];
	/** Additional fields of the data. */
	readonly data: {readonly [name: string]: unknown};
}

/** The answer that hands over taken messages. Once it was written they are marked as delivered; otherwise they are given back. */
export function handOver(
	{session, mailbox, taking}: {readonly session: Session; readonly mailbox: Mailbox; readonly taking: Taking},
	given: Taken,
	{requestId, signal}: Request,
	{none, next, remarks = [], data}: Texts,
): CallToolResult {
	const taken = taking.stillHeld(mailbox, given);
	const messages = quoteAll(taken.messages, session.tag, taken.again);
	const {more} = taken;
	const rest = more ? ['There may be more; call check_messages.'] : [];
	const shared = session.isShared() ? [sharedText(session.tag)] : [];
	const hint = [...(messages.length === 0 ? [next] : [howToClose, ...rest]), ...remarks, ...shared].join(' ');
	const all = {notice, messages, more, hint, ...data};
	if (messages.length === 0) return answer([`${none} ${hint}`], all);
	taking.answered(mailbox, taken, requestId, signal);
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}`;
	return answer(quotedBlock(`${count} for ${session.tag}.`, messages, hint), all);
}
