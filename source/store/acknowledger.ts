import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import {RecentMap} from '../mailbox/recent.ts';
import type {Change} from './reduce.ts';
import {windowSize} from './intake.ts';

/** Receipts that are not sent again; what was sent before them changes nothing when it is sent twice. */
const maxSent = 4 * windowSize;

export interface Acknowledger {
	/** Says that messages addressed to the identity were shown to it, or dealt with. Repeats and failures change nothing. */
	readonly acknowledge: (ids: readonly number[], state: Exclude<ReceiptState, 'taken'>) => Promise<void>;
	/** Another history came: nothing of it was acknowledged yet. */
	readonly restart: () => void;
}

export function createAcknowledger(opening: Promise<Mailbox>, apply: (change: Change) => void): Acknowledger {
	/** What was already said of which message. */
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
				// It will be said again when it is shown again.
				for (const id of fresh) sent.delete(`${id} ${state}`);
			}
		},
		restart: () => sent.clear(),
	};
}
