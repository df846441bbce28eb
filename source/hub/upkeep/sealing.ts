import {owner} from '../schema/bootstrap.ts';
import {DatabaseAway, type Database} from '../database/database.ts';
import {isDue} from '../files/due.ts';
import type {Log} from '../files/log.ts';
import {hubPlace, keepHead, keptCopyText, seenHeads} from './heads.ts';

/** Milliseconds between two seals, and between two checks whether one is due. */
const every = 60_000;
const tick = 5000;
/** The maximum number of calls at a time: a long history that was never sealed is sealed in parts. */
const maxCalls = 20;

export interface Sealing {
	/** Seals once more and stops. */
	end(): Promise<void>;
}

/**
 * Seals new messages every minute (supabase/migrations, append_only), and records the end of the chain in `data`. If the chain no longer
 * contains the recorded end, it is not recorded; `agentmux verify` shows what changed. All hubs of a database may do it at the same time.
 */
export function startSealing(database: Database, label: string, data: string, log: Log): Sealing {
	const place = hubPlace(label);
	let warned = false;
	let working: Promise<void> | null = null;

	const work = async (calls: number): Promise<void> => {
		for (let call = 0; call < calls; call++) {
			const head = await seal(database);
			if (head === null || head.seq === 0) return;
			const seen = seenHeads(data, place).find(({epoch}) => epoch === head.epoch);
			if (seen !== undefined && (await hashAt(database, seen.seq)) !== seen.hash) {
				if (!warned) log('The history of this mailbox was changed: run `agentmux verify` for details.');
				warned = true;
				return;
			}
			const {epoch, seq, hash} = head;
			const copy = keepHead(data, {place, epoch, seq, hash, at: new Date().toISOString()});
			if (copy !== null) log(keptCopyText(copy));
			if (!head.more) return;
		}
	};
	const look = (calls: number): Promise<void> => {
		working ??= work(calls)
			.catch((error: unknown) => {
				if (!(error instanceof DatabaseAway)) {
					log(`Sealing failed: ${error instanceof Error ? error.message : String(error)}`);
				}
			})
			.finally(() => {
				working = null;
			});
		return working;
	};
	let looked = lastSealed(data, place);
	const timer = setInterval(() => {
		if (!isDue(looked, every)) return;
		looked = Date.now();
		void look(maxCalls);
	}, tick);
	return {
		async end() {
			clearInterval(timer);
			await working;
			await look(1);
		},
	};
}

/** Milliseconds since 1970; 0 if unknown. Messages from before a restart then do not wait for another minute. */
function lastSealed(data: string, place: string): number {
	try {
		return Date.parse(seenHeads(data, place).at(-1)?.at ?? '') || 0;
	} catch {
		return 0;
	}
}

interface Head {
	readonly epoch: string;
	readonly seq: number;
	readonly hash: string;
	readonly more: boolean;
}

async function seal(database: Database): Promise<Head | null> {
	const [result] = await database.run(owner, [{text: 'select epoch::text, seq::int, hash, more from seal_history()'}]);
	return (result?.rows[0] as Head | undefined) ?? null;
}

async function hashAt(database: Database, seq: number): Promise<unknown> {
	const text = `select encode(hash, 'hex') as hash from agentmux.seals where seq = $1`;
	const [result] = await database.run(owner, [{text, values: [seq]}]);
	return result?.rows[0]?.['hash'];
}
