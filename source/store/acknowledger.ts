import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import {RecentMap} from '../mailbox/recent.ts';
import type {Change} from './state/change.ts';
import {windowSize} from './intake.ts';

/** How many receipts are remembered as sent. Sending an older one twice changes nothing. */
const maxSent = 4 * windowSize;

export interface Acknowledger {
	/** Reports that messages addressed to the identity were shown to it, or marked as done. Repeats and failures change nothing. */
	readonly acknowledge: (ids: readonly number[], state: Exclude<ReceiptState, 'taken'>) => Promise<void>;
	/** Forgets what was sent, because the history was replaced. */
	readonly restart: () => void;
}

export function createAcknowledger(opening: Promise<Mailbox>, apply: (change: Change) => void): Acknowledger {
	/** Message ids and states that were already sent. */
	const sent = new RecentMap<string, true>(maxSent);
	return {
		async acknowledge(ids, state) {
			const fresh = ids.filter(id => !sent.has(`${id} ${state}`));
			if (fresh.length === 0) return;
			for (const id of fresh) sent.set(`${id} ${state}`, true);
			try {
				const opened = await opening;
				await (state === 'acked' ? opened.ack(fresh, 'tui') : opened.deliver(fresh, 'tui'));
				apply({type: 'receipts', receipts: await opened.receipts(fresh)});
			} catch (error) {
				if (!(error instanceof MailboxError)) throw error;
				// It is sent again when the message is shown again.
				for (const id of fresh) sent.delete(`${id} ${state}`);
			}
		},
		restart: () => sent.clear(),
	};
}
