import type {SeenHead} from '../hub/upkeep/heads.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {ChainHead, CheckedSeal} from '../mailbox/seal.ts';

/** What looking at all of history came to. */
export interface HistoryCheck {
	readonly epoch: string;
	/** Messages that are what was sealed. */
	readonly messages: number;
	readonly first_id: number | null;
	/** The last seal that holds; null: nothing has been sealed. */
	readonly head: {readonly seq: number; readonly hash: string; readonly at: string} | null;
	/** What is wrong with it, seen from itself. */
	readonly fault: CheckedSeal | null;
	/** A head of this history that was seen before, and is not in it any more: it was made again, or cut. */
	readonly lost: SeenHead | null;
	/** A head of another history that stood here before, which this one does not reach or does not contain. */
	readonly former: SeenHead | null;
}

/**
 * Seals what is settled, then looks at every seal, from the first. `seen`: the heads that were seen of this mailbox before,
 * the latest at the end. Rejects as the mailbox does.
 */
export async function checkHistory(
	mailbox: Pick<Mailbox, 'seal' | 'checkSeals'>,
	seen: readonly SeenHead[],
	onProgress: (messages: number) => void,
): Promise<HistoryCheck> {
	const end = await sealed(mailbox);
	const hashes = new Map<number, string>();
	let messages = 0;
	let first_id: number | null = null;
	let head: HistoryCheck['head'] = null;
	let fault: CheckedSeal | null = null;
	while (fault === null && (head?.seq ?? 0) < end.seq) {
		const seals = await mailbox.checkSeals(head?.seq ?? 0);
		if (seals.length === 0) break;
		for (const seal of seals) {
			if (seal.fault !== null) {
				fault = seal;
				break;
			}
			messages += seal.messages;
			first_id ??= seal.first_id;
			head = {seq: seal.seq, hash: seal.hash, at: seal.at};
			if (seen.some(({seq}) => seq === seal.seq)) hashes.set(seal.seq, seal.hash);
		}
		onProgress(messages);
	}
	const holds = ({seq, hash}: SeenHead): boolean => hashes.get(seq) === hash;
	const own = seen.find(({epoch}) => epoch === end.epoch);
	const last = seen.at(-1);
	return {
		epoch: end.epoch,
		messages,
		first_id,
		head,
		fault,
		// Up to the fault alone is known what it holds.
		lost: own !== undefined && !holds(own) && (fault === null || own.seq <= (head?.seq ?? 0)) ? own : null,
		former: own === undefined && last !== undefined && fault === null && !holds(last) ? last : null,
	};
}

async function sealed(mailbox: Pick<Mailbox, 'seal'>): Promise<ChainHead> {
	for (;;) {
		const head = await mailbox.seal();
		if (!head.more) return head;
	}
}
