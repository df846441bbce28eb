import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {failedTakes, undeliveredText} from '../../mailbox/receipt.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {styled} from './output.ts';

/**
 * By message id, a line for each reader whose clients took the message but could not hand it over, so that the human sees that
 * it does not get through.
 */
export async function undelivered(
	mailbox: Mailbox,
	stdout: NodeJS.WriteStream,
	messages: readonly Message[],
): Promise<ReadonlyMap<number, Printable>> {
	const lines = new Map<number, Printable>();
	if (messages.length === 0) return lines;
	for (const receipt of await mailbox.receipts([...new Set(messages.map(({id}) => id))])) {
		const {message_id, reader} = receipt;
		const takes = failedTakes(receipt, Date.now());
		if (takes === 0) continue;
		const line = styled(stdout, 'yellow', printable(`    ${reader}: ${undeliveredText(takes)}`));
		lines.set(message_id, joinPrintable([lines.get(message_id) ?? p``, p`${line}\n`]));
	}
	return lines;
}
