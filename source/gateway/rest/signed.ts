import type {Message, MessageRow} from '../../mailbox/message.ts';
import {redactionOf} from '../../mailbox/redaction.ts';
import type {Signatures} from '../../mailbox/signatures.ts';

/** Whether the row, or its redaction, has a signature to verify. */
export function hasSignature(row: MessageRow): boolean {
	return (row.meta['signature'] ?? redactionOf(row)?.signature ?? null) !== null;
}

/**
 * The message of a row of that mailbox. Its signature is verified once, when it is first read: a page of history of which ten
 * messages are shown costs ten verifications. Without `signatures`, or if the mailbox has no id, nothing counts as signed.
 */
export function withSigned(row: MessageRow, mailboxId: string | null, signatures: Signatures | undefined): Message {
	const canVerify = hasSignature(row) && mailboxId !== null && signatures !== undefined;
	let found: Message['signed'] | undefined;
	const verified = (): Message['signed'] => (found ??= canVerify ? signatures.verify(row, mailboxId) : false);
	if (redactionOf(row) !== null) {
		return {
			...row,
			signed: false,
			get redaction_signed() {
				return verified();
			},
		};
	}
	if (!canVerify) return {...row, signed: false};
	return {
		...row,
		get signed() {
			return verified();
		},
	};
}
