import type {MessageRow} from './message.ts';
import type {Signature, SignatureStatus, Statement} from './signature.ts';

/** What a mailbox needs to make and verify signatures; it does not handle keys itself. */
export interface Signatures {
	verify(message: MessageRow, mailboxId: string): SignatureStatus;
	/** Null for an agent, which does not sign. Rejects with MailboxError if the key is not available. */
	readonly sign: ((statement: Statement) => Promise<Signature>) | null;
}
