import {sharedText} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {listed} from '../answers/listed.ts';
import {quoteAll, quotedBlock} from '../answers/quoted.ts';
import type {Session} from './session.ts';
import type {Taken, Taking} from './taking.ts';
import type {ToolCall} from './tool.ts';

/** How many waiting messages are named at most. */
const maxNamed = 10;

interface HandOver {
	readonly session: Session;
	readonly mailbox: Mailbox;
	readonly taking: Taking;
	readonly taken: Taken;
	/** For the case that there are no messages: a sentence, and what to do next. */
	readonly none: () => Promise<string>;
}

/** The answer that hands over taken messages. Once it was written they are marked as delivered; otherwise they are given back. */
export async function handOver(
	{session, mailbox, taking, taken, none}: HandOver,
	{requestId, signal, room}: ToolCall,
): Promise<string[]> {
	const {tag} = session;
	const shared = session.isShared() ? [sharedText(tag)] : [];
	// Both at once: an agent waits for this.
	const [waiting, again] = await Promise.all([
		taken.messages.length === 0 ? '' : stillWaiting(mailbox, session),
		taken.again,
	]);
	const {messages} = taking.stillHeld(mailbox, taken);
	if (messages.length === 0) {
		const sentence =
			taken.messages.length > 0 ? 'There are messages, but it took too long: call check_messages.' : await none();
		return [[sentence, ...shared].join(' ')];
	}
	taking.answered(mailbox, taken, requestId, signal);
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} for ${tag}.`;
	const hints = [...(waiting === '' ? [] : [waiting]), ...shared];
	return quotedBlock(count, quoteAll(messages, {reader: tag, room, again}), hints);
}

/** Names what was not taken, for want of room: `#41, #42 wait: check_messages.` Empty if nothing is left. */
async function stillWaiting(mailbox: Mailbox, {tag}: Session): Promise<string> {
	try {
		const free = await mailbox.inbox(tag, {free: true, limit: maxNamed + 1});
		if (free.length === 0) return '';
		const named = listed(free.slice(0, maxNamed).map(({id}) => id));
		return `${named}${free.length > maxNamed ? ' …' : ''} ${free.length === 1 ? 'waits' : 'wait'}: check_messages.`;
	} catch {
		// What was taken is handed over all the same.
		return 'There may be more: check_messages.';
	}
}
