import {owner} from '../schema/bootstrap.ts';
import {DatabaseAway, type Database, type Statement} from '../database/database.ts';
import {resumeLeases, watchLeases} from './leases.ts';
import type {Log} from '../files/log.ts';
import {readFingerprint} from '../rest/catalog/catalog-reader.ts';

/** Says to every hub of this database what an event trigger says: read the catalog anew. */
export const announceSchema: Statement = {
	text: `select realtime.notify('ddl'), pg_notify('pgrst', 'reload schema')`,
};

/** Milliseconds. */
const tick = 5000;

/**
 * What agentmux asks of whoever keeps the database: tasks whose lease ran out go back. With `watchSchema` it also looks
 * whether the schema has changed, which event triggers say elsewhere. The server does the rest by itself. Every hub of a
 * database does it: doing it twice does nothing. Returns the function that ends it.
 */
export function startUpkeep(database: Database, watchSchema: boolean, log: Log): () => void {
	let known: string | null = null;
	let working = false;
	let away = false;
	const work = async (): Promise<void> => {
		await database.run(owner, [away ? resumeLeases : watchLeases(tick)]);
		away = false;
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
				// That it is away is said once, where the connection broke.
				if (error instanceof DatabaseAway) away = true;
				else log(`Maintenance failed: ${error instanceof Error ? error.message : String(error)}`);
			})
			.finally(() => {
				working = false;
			});
	}, tick);
	return () => clearInterval(timer);
}
