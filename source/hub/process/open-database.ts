import type {OpenedDatabase} from '../database/opened-database.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import type {Log} from '../files/log.ts';
import type {HubPaths} from '../files/paths.ts';
import type {DiskSpace} from '../home/disk-space.ts';
import type {Admission} from '../http/admission.ts';
import type {WaitingThread} from '../pglite/database-thread.ts';
import {openDatabase as openEmbedded} from '../pglite/data-directory.ts';

interface OpeningOptions {
	/** The URL of a PostgreSQL, or `embedded`. */
	readonly databaseUrl: string;
	/** Milliseconds that the owner's statements may run; default two minutes. */
	readonly statementTimeout?: number | undefined;
	/** A thread that waits for the embedded database. */
	readonly thread?: WaitingThread | undefined;
	/** Aborted to stop the hub before it has started. */
	readonly signal?: AbortSignal | undefined;
	readonly log: Log;
	readonly space: DiskSpace;
	/** Realtime connections are only admitted while the database announces its changes. */
	readonly admission: Admission;
	/** Called with a sentence about what the database is waiting for; null if nothing. */
	readonly onProgress: (sentence: string | null) => void;
	/** Catches up with the changes that the database may not have announced. */
	readonly catchUp: () => Promise<void>;
	/** Called when the database has died and cannot be reopened. */
	readonly onLost: (error: Error) => void;
	/** Called when the data folder was moved, removed or replaced. */
	readonly onDisplaced: () => void;
}

/** Opens the embedded database of this home, or connects to a PostgreSQL. Rejects with HubError. */
export async function openDatabase(paths: HubPaths, options: OpeningOptions): Promise<OpenedDatabase> {
	const {databaseUrl, statementTimeout, thread, signal, log, space, admission} = options;
	const {onProgress, catchUp, onLost, onDisplaced} = options;
	if (databaseUrl === embedded) {
		return openEmbedded(paths, {
			log,
			statementTimeout,
			thread,
			signal,
			onProgress,
			onDisplaced,
			space,
			onLost(error) {
				log(`The database stopped: ${error.message}`);
				onLost(error);
			},
		});
	}
	onProgress(`Opening the PostgreSQL ${describeDatabase(databaseUrl)}.`);
	let turns = 0;
	const {openPostgres} = await import('../postgres/open.ts');
	return openPostgres(databaseUrl, {
		log,
		onProgress,
		signal,
		...(statementTimeout === undefined ? {} : {timeout: statementTimeout}),
		onListening(reason) {
			// Notifications during the gap are lost, so all clients are disconnected; they catch up when they reconnect.
			const turn = ++turns;
			// Notifications about ended tokens may be lost as well.
			if (reason === null) void catchUp().then(() => turn === turns && admission.open());
			else admission.shut();
			if (reason === null) log('The database answers again.');
			onProgress(reason === null ? null : `The database does not answer (${reason}); trying again.`);
		},
	});
}
