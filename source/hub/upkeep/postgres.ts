import {owner} from '../schema/bootstrap.ts';
import {DatabaseAway, type Database, type Statement} from '../database/database.ts';
import {resumeLeases, watchLeases} from './leases.ts';
import {keepWatches} from './watches.ts';
import {startStoringWords} from './words.ts';
import type {Log} from '../files/log.ts';
import {readFingerprint} from '../rest/catalog/catalog-reader.ts';

/** Tells all hubs of this database to reload the schema, as an event trigger would. */
export const announceSchema: Statement = {
	text: `select realtime.notify('ddl'), pg_notify('pgrst', 'reload schema')`,
};

/** Milliseconds. */
const tick = 5000;

/**
 * Starts the periodic work for a PostgreSQL server, which does the rest by itself: makes tasks with expired leases available again,
 * stores the words of messages that have none and, with `watchSchema`, checks whether the schema has changed, for servers without
 * event triggers. All hubs of a database may do it at the same time. Returns a function that stops it.
 */
export function startUpkeep(database: Database, watchSchema: boolean, log: Log): () => void {
	let known: string | null = null;
	let working = false;
	let away = false;
	const work = async (): Promise<void> => {
		await database.run(owner, [away ? resumeLeases : watchLeases(tick)]);
		away = false;
		await database.run(owner, [keepWatches]);
		if (!watchSchema) return;
		const found = await readFingerprint(database);
		if (known !== null && known !== found) {
			await database.run(owner, [{text: 'select realtime.sync_capture()'}, announceSchema]);
		}
		known = found;
	};
	const timer = setInterval(() => {
		if (working) return;
		working = true;
		void work()
			.catch((error: unknown) => {
				// Logged once, where the connection broke.
				if (error instanceof DatabaseAway) away = true;
				else log(`Maintenance failed: ${error instanceof Error ? error.message : String(error)}`);
			})
			.finally(() => {
				working = false;
			});
	}, tick);
	const endStoring = startStoringWords(database, log);
	return () => {
		clearInterval(timer);
		endStoring();
	};
}
