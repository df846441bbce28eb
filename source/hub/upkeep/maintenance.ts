import {owner} from '../schema/bootstrap.ts';
import type {Database, Scope} from '../database/database.ts';
import {isDue} from '../files/due.ts';
import {watchLeases} from './leases.ts';
import {keepWatches} from './watches.ts';
import {startStoringWords} from './words.ts';
import type {Log} from '../files/log.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {readSql} from '../files/read-sql.ts';

/** All in milliseconds. */
const tick = 5000;
const checkpointEvery = 60_000;
const vacuumEvery = 3_600_000;
const agentsVacuumTime = 1000;
/** Bytes of write-ahead log after which a checkpoint is due early. */
const maxLogSize = 64 * 1024 * 1024;

/** Lets others go first. Without a limit: after a cancelled one, the next would do the same work again, on more rows. */
const idle: Scope = {...owner, whenIdle: true, isUnlimited: true};

export interface MaintenanceOptions {
	readonly log: Log;
	/** Records the time of the last vacuum; without it, a hub that never runs for an hour would never vacuum. */
	readonly file: string;
	/** Whether writing is forbidden at the moment. */
	readonly isPaused: () => boolean;
}

/** The last vacuum. */
interface Vacuumed {
	/** Milliseconds since 1970. */
	readonly at: number;
	/** The end of the write-ahead log after it; null: unknown. */
	readonly position: string | null;
}

/**
 * Starts the periodic work that a PostgreSQL server does by itself and PGlite does not: checkpoints (without them, the log would grow
 * forever) and vacuum. Also makes tasks with expired leases available again, sends changes of watched tables, and stores the words of
 * messages that have none. Writes to the disk only if something was written since. Returns a function that stops it, and cancels a
 * vacuum: closing the database would wait for it.
 */
export function startMaintenance(database: Database, {log, file, isPaused}: MaintenanceOptions): () => void {
	let vacuumed = readVacuumed(file) ?? keep(file, {at: Date.now(), position: null});
	// Opening a database ends with a checkpoint.
	let checkpointed = {at: Date.now(), position: 0n};
	const position = async (): Promise<bigint> => {
		const [, result] = await database.run(owner, [
			watchLeases(tick),
			{text: `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as position`},
		]);
		const position = result?.rows[0]?.['position'];
		return typeof position === 'string' ? BigInt(position) : 0n;
	};
	const ending = new AbortController();
	const failed = (error: unknown): void => {
		if (!ending.signal.aborted) log(`Maintenance failed: ${error instanceof Error ? error.message : String(error)}`);
	};
	const clean = async (now: bigint): Promise<void> => {
		if (isDue(vacuumed.at, vacuumEvery) && vacuumed.position !== String(now)) {
			await vacuum(database, ending.signal);
			vacuumed = keep(file, {at: Date.now(), position: String(await position())});
		}
		const isLong = now - checkpointed.position > maxLogSize;
		if (now !== checkpointed.position && (isDue(checkpointed.at, checkpointEvery) || isLong)) {
			await database.script(idle, 'checkpoint');
			checkpointed = {at: Date.now(), position: await position()};
		}
	};
	/** Cleaning lets everyone else go first, and leases and watches do not wait for that. */
	let cleaning = false;
	const work = async (): Promise<void> => {
		if (isPaused()) return;
		await database.run(owner, [keepWatches]);
		const now = await position();
		if (checkpointed.position === 0n) checkpointed = {...checkpointed, position: now};
		if (cleaning) return;
		cleaning = true;
		void clean(now)
			.catch(failed)
			.finally(() => {
				cleaning = false;
			});
	};
	let working = false;
	const timer = setInterval(() => {
		if (working) return;
		working = true;
		void work()
			.catch(failed)
			.finally(() => {
				working = false;
			});
	}, tick);
	const endStoring = startStoringWords(database, log, isPaused);
	return () => {
		clearInterval(timer);
		endStoring();
		ending.abort(new Error('The hub ends.'));
	};
}

const tables = readSql(new URL('tables.sql', import.meta.url));

/**
 * One table after the other, so that others get their turns in between. A table of an agent gets little time: the agent decides how many
 * columns, indexes and statistics it has.
 */
async function vacuum(database: Database, signal: AbortSignal): Promise<void> {
	const [result] = await database.run(owner, [{text: tables}]);
	for (const {name, agents} of result?.rows ?? []) {
		try {
			await database.script(
				agents === true ? {...idle, isUnlimited: false, maxTime: agentsVacuumTime} : idle,
				`vacuum analyze ${String(name)}`,
				signal,
			);
		} catch (error) {
			// Out of time, or dropped meanwhile.
			if (agents !== true || signal.aborted) throw error;
		}
	}
}

/** Null if the file is missing or damaged; then the next vacuum is due in an hour. */
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
		// The next start will vacuum again.
	}
	return vacuumed;
}
