import {owner} from '../schema/bootstrap.ts';
import {DatabaseAway, type Database, type Statement} from '../database/database.ts';
import type {Log} from '../files/log.ts';

/** Milliseconds before the first step, and after one that failed. */
const tick = 5000;
/** The least number of milliseconds between two steps. */
const minPause = 20;

/** Few at a time, because with one session everybody waits for it. */
const storeWords: Statement = {text: 'select agentmux.store_words(200) as more'};

/**
 * Stores the words of messages that are older than search by stored words (supabase/migrations, message_words), in short steps: with a
 * million messages, a migration would take minutes in which the hub does not answer. Until then, searches look at those as they did
 * before. Others get as much time in between as the steps take. All hubs of a database may do it at the same time. Returns a function
 * that stops it.
 */
export function startStoringWords(database: Database, log: Log, isPaused: () => boolean = () => false): () => void {
	let ended = false;
	let timer = setTimeout(step, tick);
	function step(): void {
		void work();
	}
	async function work(): Promise<void> {
		const begin = Date.now();
		let pause = tick;
		try {
			if (!isPaused()) {
				const [result] = await database.run(owner, [storeWords]);
				if (result?.rows[0]?.['more'] !== true) return;
				pause = Math.max(minPause, Date.now() - begin);
			}
		} catch (error) {
			// Logged once, where the connection broke.
			if (!(error instanceof DatabaseAway)) {
				log(`Storing the words of old messages failed: ${error instanceof Error ? error.message : String(error)}`);
			}
		}
		if (!ended) timer = setTimeout(step, pause);
	}
	return () => {
		ended = true;
		clearTimeout(timer);
	};
}
