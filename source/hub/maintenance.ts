import {owner} from './bootstrap.ts';
import type {Database} from './database.ts';
import {watchLeases} from './leases.ts';
import type {Log} from './log.ts';

/** Milliseconds. */
const tick = 5000;
/** Of these ticks: each minute, each hour. */
const checkpointEvery = 12;
const vacuumEvery = 720;
/** Bytes of log after which a checkpoint does not wait for its minute. */
const largestLog = 64 * 1024 * 1024;

/**
 * What a PostgreSQL server does on its own and PGlite does not: checkpoints (its log would grow for ever) and vacuum; and
 * what agentmux asks of whoever keeps the database: tasks whose lease ran out go back. Does nothing to the disk while
 * nothing is written. Returns the function that ends it.
 */
export function startMaintenance(database: Database, log: Log): () => void {
	let ticks = 0;
	let checkpointed = 0n;
	let vacuumed = 0n;
	const position = async (): Promise<bigint> => {
		const [, result] = await database.run(owner, [
			watchLeases(tick),
			{text: `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as position`},
		]);
		const position = result?.rows[0]?.['position'];
		return typeof position === 'string' ? BigInt(position) : 0n;
	};
	const work = async (): Promise<void> => {
		ticks++;
		const now = await position();
		if (ticks % vacuumEvery === 0 && now > vacuumed) {
			await database.script(owner, 'vacuum analyze');
			vacuumed = await position();
		}
		if ((ticks % checkpointEvery === 0 && now > checkpointed) || now - checkpointed > largestLog) {
			await database.script(owner, 'checkpoint');
			checkpointed = await position();
		}
	};
	let working = false;
	const timer = setInterval(() => {
		if (working) return;
		working = true;
		void work()
			.catch((error: unknown) => log(`Maintenance failed: ${error instanceof Error ? error.message : String(error)}`))
			.finally(() => {
				working = false;
			});
	}, tick);
	return () => clearInterval(timer);
}
