/** Where the chain of hashes over all messages ends, and of which history it is. */
export interface ChainHead {
	/** Another one: a backup was put back, or it is another database. */
	readonly epoch: string;
	/** How many seals there are; 0: nothing has been sealed. */
	readonly seq: number;
	/** SHA-256 in hexadecimal; empty when nothing has been sealed. */
	readonly hash: string;
	/** More is to be sealed: ask again. */
	readonly more: boolean;
}

/** What does not hold; of a message's redaction with that word before it. `seal`: the chain itself was changed. */
export type SealFault = 'changed' | 'deleted' | 'inserted' | `redaction ${'changed' | 'deleted' | 'inserted'}` | 'seal';

/** One link of the chain, looked at again. */
export interface CheckedSeal {
	readonly seq: number;
	/** When it was made; ISO 8601. */
	readonly at: string;
	readonly hash: string;
	readonly messages: number;
	/** The first message in it; null when it holds redactions alone. */
	readonly first_id: number | null;
	/** Null: what it covers is what was sealed. */
	readonly fault: SealFault | null;
	/** Which message is meant. */
	readonly message_id: number | null;
}
