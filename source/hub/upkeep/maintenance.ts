import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import {isDue} from '../files/due.ts';
import {watchLeases} from './leases.ts';
import type {Log} from '../files/log.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';

/** Milliseconds, all of them. */
const tick = 5000;
const checkpointEvery = 60_000;
const vacuumEvery = 3_600_000;
/** Bytes of log after which a checkpoint does not wait for its minute. */
const maxLogSize = 64 * 1024 * 1024;

export interface MaintenanceOptions {
	readonly log: Log;
	/** Where it is kept when what takes long was done last: a hub that never runs for an hour would never do it. */
	readonly file: string;
	/** Whether nothing may be written now. */
	readonly isPaused: () => boolean;
}

/** What is kept about the last vacuum. */
interface Vacuumed {
	/** Milliseconds since 1970. */
	readonly at: number;
	/** Where the log of the database ended after it; null: not known. */
	readonly position: string | null;
}

/**
 * What a PostgreSQL server does on its own and PGlite does not: checkpoints (its log would grow for ever) and vacuum; and
 * what agentmux asks of whoever keeps the database: tasks whose lease ran out go back. Does nothing to the disk while
 * nothing is written. Returns the function that ends it.
 */
export function startMaintenance(database: Database, {log, file, isPaused}: MaintenanceOptions): () => void {
	let vacuumed = readVacuumed(file) ?? keep(file, {at: Date.now(), position: null});
	// To open a database ends with a checkpoint.
	let checkpointed = {at: Date.now(), position: 0n};
	const position = async (): Promise<bigint> => {
		const [, result] = await database.run(owner, [
			watchLeases(tick),
			{text: `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as position`},
		]);
		const position = result?.rows[0]?.['position'];
		return typeof position === 'string' ? BigInt(position) : 0n;
	};
	const work = async (): Promise<void> => {
		if (isPaused()) return;
		const now = await position();
		if (checkpointed.position === 0n) checkpointed = {...checkpointed, position: now};
		if (isDue(vacuumed.at, vacuumEvery) && vacuumed.position !== String(now)) {
			await database.script(owner, 'vacuum analyze');
			vacuumed = keep(file, {at: Date.now(), position: String(await position())});
		}
		const isLong = now - checkpointed.position > maxLogSize;
		if (now !== checkpointed.position && (isDue(checkpointed.at, checkpointEvery) || isLong)) {
			await database.script(owner, 'checkpoint');
			checkpointed = {at: Date.now(), position: await position()};
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

/** Null for none, or one that is damaged: an hour begins then. */
function readVacuumed(file: string): Vacuumed | null {
	try {
		const {at, position} = readJsonFile(file) ?? {};
		return typeof at === 'number' ? {at, position: typeof position === 'string' ? position : null} : null;
	} catch {
		return null;
	}
}

function keep(file: string, vacuumed: Vacuumed): Vacuumed {
	try {
		writePrivateFile(file, `${JSON.stringify(vacuumed)}\n`);
	} catch {
		// It is done once more after the next start.
	}
	return vacuumed;
}
