/** The end of the chain of hashes over all messages. */
export interface ChainHead {
	/** The history that it belongs to; it changes if a backup is restored, or in another database. */
	readonly epoch: string;
	/** The number of seals; 0 if nothing has been sealed. */
	readonly seq: number;
	/** SHA-256 in hexadecimal; empty if nothing has been sealed. */
	readonly hash: string;
	/** Whether there is more to seal: call again. */
	readonly more: boolean;
}

/** What happened to a message, or to the record of its redaction. `seal`: the chain itself was changed. */
export type SealFault = 'changed' | 'deleted' | 'inserted' | `redaction ${'changed' | 'deleted' | 'inserted'}` | 'seal';

/** One link of the chain that was checked. */
export interface CheckedSeal {
	readonly seq: number;
	/** When it was made; ISO 8601. */
	readonly at: string;
	readonly hash: string;
	readonly messages: number;
	/** Its first message; null if it covers only redactions. */
	readonly first_id: number | null;
	/** Null if everything matches. */
	readonly fault: SealFault | null;
	/** The message that the fault is about. */
	readonly message_id: number | null;
}
