import type {Tag} from './tag.ts';

export const receiptStates = ['taken', 'delivered', 'acked'] as const;
export type ReceiptState = (typeof receiptStates)[number];

/** How often a message is handed over to a reader that does not ack it; then it is stuck (agentmux.waiting in supabase/migrations). */
export const maxAttempts = 5;

/** Handed over as often as it may be, never acked, and not under way any more at `now` (milliseconds since 1970). */
export function isStuck({state, attempts, lease_until}: Receipt, now: number): boolean {
	return state !== 'acked' && attempts >= maxAttempts && (lease_until === null || Date.parse(lease_until) <= now);
}

/**
 * How often clients took a message that none of them has handed over, not counting one that may be about to at `now`
 * (milliseconds since 1970); 0 for one that was handed over. It is offered again, however often that happens.
 */
export function failedTakes({state, delivered_at, takes, lease_until}: Receipt, now: number): number {
	if (state !== 'taken' || delivered_at !== null) return 0;
	// A lease on what was taken before is also the wait until the next one may take it.
	const isUnderWay = takes === 1 && lease_until !== null && Date.parse(lease_until) > now;
	return isUnderWay ? 0 : takes;
}

/** What a human reads of that, as a part of a sentence. `takes`: at least one. */
export function undeliveredText(takes: number): string {
	return `taken ${takes === 1 ? 'once' : `${takes} times`}, never delivered`;
}

/** One row of `receipts`: what happened to a message for one reader. */
export interface Receipt {
	readonly message_id: number;
	readonly reader: Tag;
	/** `taken`: a client has it and has not yet said that it was really handed over, for the first time or again. */
	readonly state: ReceiptState;
	/** How it got there: `mcp`, `hook`, `cli`, `tui`, `reply`. */
	readonly route: string | null;
	/** When it was handed over for the first time. */
	readonly delivered_at: string | null;
	readonly acked_at: string | null;
	/** How often it was handed over: its client's output was flushed. */
	readonly attempts: number;
	/** How often it was taken since then, and not handed over (yet). */
	readonly takes: number;
	/** Until then nobody hands it over (again); null once it is acked. */
	readonly lease_until: string | null;
}
