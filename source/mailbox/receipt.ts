import type {Tag} from './tag.ts';

export const receiptStates = ['taken', 'delivered', 'read', 'acked'] as const;
export type ReceiptState = (typeof receiptStates)[number];

/** How often a message is delivered to a reader that does not ack it before it is stuck (agentmux.waiting in supabase/migrations). */
export const maxAttempts = 5;

/**
 * Whether it was delivered as often as allowed, never read or acked, and is not leased at `now` (milliseconds since 1970). A delivery
 * that was given back does not count.
 */
export function isStuck({state, attempts, returned, lease_until}: Receipt, now: number): boolean {
	const isOpen = state === 'taken' || state === 'delivered';
	return isOpen && attempts - returned >= maxAttempts && (lease_until === null || Date.parse(lease_until) <= now);
}

/** Whether it was delivered to a session that did not read it, and waits to be delivered again. */
export function isReturned({state, returned, takes}: Receipt): boolean {
	return state === 'taken' && returned > 0 && takes === 0;
}

/**
 * How often clients took a message without delivering it, not counting a take that is still in progress at `now` (milliseconds since
 * 1970); 0 for a message that was delivered. There is no limit: it is offered again each time.
 */
export function failedTakes({state, delivered_at, takes, lease_until}: Receipt, now: number): number {
	if (state !== 'taken' || delivered_at !== null) return 0;
	// After the first take, the lease is also the pause until the message may be taken again.
	const isUnderWay = takes === 1 && lease_until !== null && Date.parse(lease_until) > now;
	return isUnderWay ? 0 : takes;
}

/** The same as text for a human, as part of a sentence. `takes`: at least one. */
export function undeliveredText(takes: number): string {
	return `taken ${takes === 1 ? 'once' : `${takes} times`}, never delivered`;
}

/** One row of `receipts`: what happened to a message for one reader. */
export interface Receipt {
	readonly message_id: number;
	readonly reader: Tag;
	/**
	 * `taken`: a client has it, but has not yet confirmed that it was delivered, for the first time or again. `read`: after it was
	 * delivered, a model call of that session ended.
	 */
	readonly state: ReceiptState;
	/** How it got there: `mcp`, `hook`, `cli`, `tui`, `reply`. */
	readonly route: string | null;
	/** When it was first delivered. */
	readonly delivered_at: string | null;
	readonly read_at: string | null;
	readonly acked_at: string | null;
	/** How often it was delivered: the client's output was flushed. */
	readonly attempts: number;
	/** How often it was delivered, not read, and given back. */
	readonly returned: number;
	/** How often it was taken since then without being delivered (yet). */
	readonly takes: number;
	/** Until then nobody else can take it; null once it is read or acked. */
	readonly lease_until: string | null;
}
