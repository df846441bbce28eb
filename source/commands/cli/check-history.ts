import type {SeenHead} from '../../hub/upkeep/heads.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {ChainHead, CheckedSeal} from '../../mailbox/seal.ts';

/** The result of checking all of history. */
export interface HistoryCheck {
	readonly epoch: string;
	/** The number of messages that match their seals. */
	readonly messages: number;
	readonly first_id: number | null;
	/** The last valid seal; null if nothing has been sealed. */
	readonly head: {readonly seq: number; readonly hash: string; readonly at: string} | null;
	/** The first seal that does not match. */
	readonly fault: CheckedSeal | null;
	/** A head of this history that was seen before and is no longer in it: the chain was rebuilt or cut. */
	readonly lost: SeenHead | null;
	/** The head of a former history of this mailbox that the present one does not contain. */
	readonly former: SeenHead | null;
}

/**
 * Seals what is settled, then checks every seal from the first. `seen`: the heads of this mailbox that were seen before, the
 * latest last. Rejects as the mailbox does.
 */
export async function checkHistory(
	mailbox: Pick<Mailbox, 'seal' | 'checkSeals'>,
	seen: readonly SeenHead[],
	onProgress: (messages: number) => void,
): Promise<HistoryCheck> {
	const end = await sealAll(mailbox);
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
		// Beyond the fault it is not known whether a head is in the chain.
		lost: own !== undefined && !holds(own) && (fault === null || own.seq <= (head?.seq ?? 0)) ? own : null,
		former: own === undefined && last !== undefined && fault === null && !holds(last) ? last : null,
	};
}

async function sealAll(mailbox: Pick<Mailbox, 'seal'>): Promise<ChainHead> {
	for (;;) {
		const head = await mailbox.seal();
		if (!head.more) return head;
	}
}
