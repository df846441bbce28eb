import type {MessageRow} from './message.ts';
import type {Signature, Signed, Statement} from './signature.ts';

/** What a mailbox needs to sign and to look at signatures; the keys lie elsewhere. */
export interface Signatures {
	verify(message: MessageRow, mailboxId: string): Signed;
	/** Null for an agent, which does not sign. Rejects with MailboxError where the key cannot be had. */
	readonly sign: ((statement: Statement) => Promise<Signature>) | null;
}
