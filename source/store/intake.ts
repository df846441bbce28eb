import type {StoreApi} from 'zustand/vanilla';
import type {MailboxEvent} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import {reduce, type Change} from './reduce.ts';
import type {State} from './state.ts';

/** How many of the newest messages are kept. */
export const windowSize = 5000;
/** Trimming copies the window, so it waits until this many are over. */
const slack = 500;

/** The way of everything that changes the state. */
export interface Intake {
	readonly apply: (change: Change) => void;
	/**
	 * What a subscription says. Messages are said one by one, and those that came together are taken in together: each time the
	 * window is copied, and everything that shows it looks again. What is applied after them finds them there.
	 */
	readonly hear: (event: MailboxEvent) => void;
	/** Nothing changes any more. */
	readonly close: () => void;
	readonly isClosed: () => boolean;
}

export function createIntake(store: StoreApi<State>): Intake {
	let closed = false;
	/** What was heard since the last turn of the event loop. */
	let heard: Message[] = [];

	function takeIn(): void {
		const messages = heard;
		heard = [];
		if (messages.length > 0) apply({type: 'messages', messages});
	}

	function apply(change: Change): void {
		if (heard.length > 0) takeIn();
		if (closed) return;
		let next = reduce(store.getState(), change);
		if (next.messages.length > windowSize + slack) next = reduce(next, {type: 'trim', keep: windowSize});
		if (next !== store.getState()) store.setState(next, true);
	}

	return {
		apply,
		hear(event) {
			if (event.type !== 'messages') return apply(event);
			if (heard.length === 0) queueMicrotask(takeIn);
			heard.push(...event.messages);
		},
		close() {
			closed = true;
		},
		isClosed: () => closed,
	};
}
