import {pausedText, sharedText} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {listed} from '../answers/listed.ts';
import {quoteAll, quotedBlock} from '../answers/quoted.ts';
import type {Session} from './session.ts';
import {maxNamed, type Taken, type Taking} from './taking.ts';
import type {ToolCall} from './tool.ts';

interface HandOver {
	readonly session: Session;
	readonly mailbox: Mailbox;
	readonly taking: Taking;
	readonly taken: Taken;
	/** For the case that there are no messages: a sentence, and what to do next. */
	readonly none: string;
}

/** The answer that hands over taken messages. Once it was written they are marked as delivered; otherwise they are given back. */
export function handOver(
	{session, mailbox, taking, taken, none}: HandOver,
	{requestId, signal, room}: ToolCall,
): string[] {
	const {tag} = session;
	const shared = session.isShared() ? [sharedText(tag)] : [];
	const {messages} = taking.stillHeld(mailbox, taken);
	if (messages.length === 0) {
		if (taken.paused !== null) return [pausedText(taken.paused)];
		const sentence =
			taken.messages.length > 0 ? 'There are messages, but it took too long: call check_messages.' : none;
		return [[sentence, ...shared].join(' ')];
	}
	taking.answered(mailbox, taken, requestId, signal);
	const count = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} for ${tag}.`;
	return quotedBlock(count, quoteAll(messages, {reader: tag, room, again: taken.again}), [
		...stillWaiting(taken.waiting),
		...shared,
	]);
}

/** Names what was not taken, for want of room: `#41, #42 wait: check_messages.` Nothing if nothing is left. */
function stillWaiting(waiting: Taken['waiting']): string[] {
	if (waiting === null) return ['There may be more: check_messages.'];
	if (waiting.length === 0) return [];
	const named = listed(waiting.slice(0, maxNamed));
	return [
		`${named}${waiting.length > maxNamed ? ' …' : ''} ${waiting.length === 1 ? 'waits' : 'wait'}: check_messages.`,
	];
}
