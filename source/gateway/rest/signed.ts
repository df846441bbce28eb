import type {Message, MessageRow} from '../../mailbox/message.ts';
import {redactionOf} from '../../mailbox/redaction.ts';
import type {Signatures} from '../../mailbox/signatures.ts';

/** Whether a row has something to look at. */
export function hasSignature(row: MessageRow): boolean {
	return (row.meta['signature'] ?? redactionOf(row)?.signature ?? null) !== null;
}

/**
 * The message of a row of that mailbox. Its signature is looked at when somebody asks for it, once: a page of history of which
 * ten messages are shown costs ten looks. Without `signatures`, or where the mailbox has no id, nothing counts as signed.
 */
export function withSigned(row: MessageRow, mailboxId: string | null, signatures: Signatures | undefined): Message {
	const canTell = hasSignature(row) && mailboxId !== null && signatures !== undefined;
	let found: Message['signed'] | undefined;
	const look = (): Message['signed'] => (found ??= canTell ? signatures.verify(row, mailboxId) : false);
	if (redactionOf(row) !== null) {
		return {
			...row,
			signed: false,
			get redaction_signed() {
				return look();
			},
		};
	}
	if (!canTell) return {...row, signed: false};
	return {
		...row,
		get signed() {
			return look();
		},
	};
}
