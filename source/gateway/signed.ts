import type {Message, MessageRow} from '../mailbox/message.ts';
import type {Signatures} from '../mailbox/signatures.ts';

/** Whether a row has something to look at. */
export function hasSignature({meta}: MessageRow): boolean {
	return (meta['signature'] ?? null) !== null;
}

/**
 * The message of a row of that mailbox. Its signature is looked at when somebody asks for it, once: a page of history of which
 * ten messages are shown costs ten looks. Without `signatures`, or where the mailbox has no id, nothing counts as signed.
 */
export function withSigned(row: MessageRow, mailboxId: string | null, signatures: Signatures | undefined): Message {
	if (!hasSignature(row) || mailboxId === null || signatures === undefined) return {...row, signed: false};
	let found: Message['signed'] | undefined;
	return {
		...row,
		get signed() {
			return (found ??= signatures.verify(row, mailboxId));
		},
	};
}
