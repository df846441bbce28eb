import type {Tag} from './tag.ts';

export type ReceiptState = 'delivered' | 'acked';

/** One row of `receipts`: what happened to a message for one reader. */
export interface Receipt {
	readonly message_id: number;
	readonly reader: Tag;
	readonly state: ReceiptState;
	/** How it got there: `mcp`, `hook`, `cli`, `tui`, `reply`. */
	readonly route: string | null;
	readonly delivered_at: string;
	readonly acked_at: string | null;
}
