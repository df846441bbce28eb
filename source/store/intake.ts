import type {StoreApi} from 'zustand/vanilla';
import type {MailboxEvent} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import type {Change} from './state/change.ts';
import {reduce} from './state/reduce.ts';
import type {State} from './state/state.ts';

/** How many of the newest messages are kept. */
export const windowSize = 5000;
/** Trimming copies the window, so it is delayed until there are this many too many. */
const slack = 500;

/** Applies changes to the state, which nothing else changes. */
export interface Intake {
	readonly apply: (change: Change) => void;
	/**
	 * Applies an event of a subscription. Messages are batched, because each change of the window copies it and redraws everything
	 * that shows it. A later change is always applied after the messages that came before it.
	 */
	readonly receive: (event: MailboxEvent) => void;
	/** Ignores all later changes. */
	readonly close: () => void;
	readonly isClosed: () => boolean;
}

export function createIntake(store: StoreApi<State>): Intake {
	let closed = false;
	/** Messages that were received and not applied yet. */
	let batch: Message[] = [];

	function applyBatch(): void {
		const messages = batch;
		batch = [];
		if (messages.length > 0) apply({type: 'messages', messages});
	}

	function apply(change: Change): void {
		if (batch.length > 0) applyBatch();
		if (closed) return;
		let next = reduce(store.getState(), change);
		if (next.messages.length > windowSize + slack) next = reduce(next, {type: 'trim', keep: windowSize});
		if (next !== store.getState()) store.setState(next, true);
	}

	return {
		apply,
		receive(event) {
			if (event.type !== 'messages') return apply(event);
			if (batch.length === 0) queueMicrotask(applyBatch);
			batch.push(...event.messages);
		},
		close() {
			closed = true;
		},
		isClosed: () => closed,
	};
}
