import {existsSync, readdirSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {bootstrap, owner} from '../schema/bootstrap.ts';
import {DatabaseError, type Database} from '../database/database.ts';
import {HubError} from '../files/error.ts';
import {full, type DiskSpace} from '../home/disk-space.ts';
import {FairDatabase} from '../database/fair-database.ts';
import {holdDirectory, type HeldDirectory} from './held-directory.ts';
import {syncFolder, syncPath, unpackFolder} from '../files/folder-archive.ts';
import {migrate, readMigrations, type Migrations} from '../schema/migrations.ts';
import type {WaitingThread} from './database-thread.ts';
import type {HubPaths} from '../files/paths.ts';
import {fileError} from '../files/private-file.ts';
import {finishing, templateFile} from './template.ts';
import type {Log} from '../files/log.ts';
import {startMaintenance} from '../upkeep/maintenance.ts';
import type {OpenedDatabase} from '../database/opened-database.ts';
import {statementLimit} from '../database/time-limits.ts';
import {embedded} from '../database/postgres-url.ts';
import {readOnlyWhenFull} from '../database/read-only-when-full.ts';
import {maxTogether} from './worker-messages.ts';
import {WorkerDatabase, type WorkerDatabaseOptions} from './worker-database.ts';
import {readSql} from '../files/read-sql.ts';

/** PostgreSQL's major version inside PGlite 0.5. */
export const postgresVersion = '18';
/** The prefix of unfinished folders in the data folder; the next start removes them. */
export const temporaryPrefix = 'pg.new-';
/** The epoch of an unused database. It is replaced at the first start, so that each copy of the template gets its own. */
const unusedEpoch = '00000000-0000-0000-0000-000000000000';

export interface OpenDatabaseOptions {
	/** Called with sentences about the progress, for a user who is waiting. */
	readonly onProgress: (sentence: string) => void;
	readonly log: Log;
	/** Milliseconds that the owner's statements may run; the default is in time-limits.ts. */
	readonly statementTimeout?: number | undefined;
	/** Aborted to stop the hub before it has started: a migration is cancelled, and the next start applies it. */
	readonly signal?: AbortSignal | undefined;
	/** A thread that waits for a database; by default, one is started. */
	readonly thread?: WaitingThread | undefined;
	/** The database died and could not be opened again. */
	readonly onLost: (error: Error) => void;
	/** The data directory was moved, removed or replaced: nothing may be answered or written from now on. */
	readonly onDisplaced: () => void;
	readonly space: Pick<DiskSpace, 'isFull' | 'look' | 'release'>;
}

/**
 * Opens data/pg, which is created if missing, applies all migrations, and holds it until it is closed. The caller must hold the hub's
 * lock. Rejects with HubError.
 */
export async function openDatabase(paths: HubPaths, options: OpenDatabaseOptions): Promise<OpenedDatabase> {
	const directory = join(paths.data, 'pg');
	await ensureDirectory(paths.data, directory, options.onProgress);
	const held = await holdDirectory(directory);
	if (held === null) throw new HubError(`Another process is using ${directory}.`, 'Stop that hub, and try again.');
	try {
		return await openHeld(paths, directory, held, options);
	} catch (error) {
		held.release();
		throw error;
	}
}

async function openHeld(
	paths: HubPaths,
	directory: string,
	held: HeldDirectory,
	options: OpenDatabaseOptions,
): Promise<OpenedDatabase> {
	const {log, onLost, onDisplaced, space} = options;
	for (const name of moveSignals(directory)) {
		log(`${name} was found in the database and would have prevented it from starting; it was moved to ${paths.data}.`);
	}
	options.onProgress('Opening the database.');
	// Read while PostgreSQL starts. A failure is reported when they are needed.
	const migrations = readMigrations();
	migrations.catch(() => undefined);
	const database = await open(directory, {
		directory: held.root,
		timeout: options.statementTimeout ?? statementLimit,
		thread: options.thread,
		onLost,
		onStopped(reason) {
			log(`The database stopped: ${reason.replace(/\.$/, '')}. It is being opened again.`);
			// If its log ran out of space, there must be some for opening it again.
			space.look();
			if (space.isFull) space.release();
		},
		isInPlace: () => held.isInPlace(),
		onDisplaced,
	});
	try {
		const {isUnused} = await prepare(database, migrations, options.onProgress, options.signal);
		if (isUnused) {
			// A new mailbox, in which signatures of another are not valid.
			const text = 'update mux_meta set epoch = gen_random_uuid(), mailbox_id = gen_random_uuid() where epoch = $1';
			await database.run(owner, [{text, values: [unusedEpoch]}]);
		}
		const fair = new FairDatabase(
			{
				...readOnlyWhenFull(database, () => space.isFull, full),
				async close() {
					await database.close();
					held.release();
				},
			},
			{atOnce: 1, perCaller: 1, together: maxTogether, ready: () => database.ready()},
		);
		return {
			database: fair,
			engine: 'PGlite',
			label: embedded,
			copyTo: folder => fair.work(owner, 'backup', () => database.copyTo(folder)),
			startMaintenance: () =>
				startMaintenance(fair, {
					log,
					file: join(paths.data, 'upkeep.json'),
					isPaused: () => space.isFull,
				}),
		};
	} catch (error) {
		await database.close();
		throw error;
	}
}

/**
 * Prepares a data directory from a backup: checks that it opens, applies all migrations, and gives it a new epoch, because followers may
 * have seen messages that are not in it. Resolves with the number of messages in it. Rejects with HubError.
 */
export async function adoptDirectory(directory: string, onProgress?: (sentence: string) => void): Promise<number> {
	checkVersion(directory);
	moveSignals(directory);
	const messages = await adopt(directory, onProgress);
	await syncFolder(directory);
	return messages;
}

async function adopt(directory: string, onProgress?: (sentence: string) => void): Promise<number> {
	const database = await open(directory, {directory, timeout: statementLimit});
	try {
		await prepare(database, readMigrations(), onProgress);
		const [, counted] = await database.run(owner, [
			{text: 'update mux_meta set epoch = gen_random_uuid()'},
			{text: 'select count(*) as messages from messages'},
		]);
		return Number(counted?.rows[0]?.['messages']);
	} catch (error) {
		throw error instanceof DatabaseError ? damaged(directory, error.message, error) : error;
	} finally {
		await database.close();
	}
}

/** Moves files that make PostgreSQL wait for another server to the parent folder; returns their names. */
function moveSignals(directory: string): string[] {
	const found = ['recovery.signal', 'standby.signal'].filter(name => existsSync(join(directory, name)));
	for (const name of found) renameSync(join(directory, name), join(directory, '..', name));
	return found;
}

/** Creates a data directory in a new folder, for the build's template, or for a first start without one. */
export async function createDirectory(directory: string): Promise<void> {
	const database = await WorkerDatabase.open({directory, timeout: statementLimit});
	try {
		await prepare(database, readMigrations());
		await database.run(owner, [{text: 'update mux_meta set epoch = $1', values: [unusedEpoch]}]);
		for (const sql of finishing) await database.script(owner, sql);
	} finally {
		await database.close();
	}
	await syncFolder(directory);
}

async function prepare(
	database: Database,
	migrations: Promise<Migrations>,
	onProgress?: (sentence: string) => void,
	signal?: AbortSignal,
): Promise<{readonly isUnused: boolean}> {
	await bootstrap(database);
	await migrate(database, await migrations, onProgress, signal);
	const [found] = await database.run(owner, [
		{
			text: `select bool_or(has_function_privilege('public', name, 'execute')) as open,
				exists (select from mux_meta where epoch = $1) as unused
				from unnest(array['set_config(text, text, boolean)', 'pg_prepared_statement()']) as name`,
			values: [unusedEpoch],
		},
	]);
	const {open, unused} = found?.rows[0] ?? {};
	if (open === true) await database.script(owner, closeSession);
	return {isUnused: unused === true};
}

/**
 * Read-only SQL shares the session with the owner, and could regain the owner's role with set_config, so it may not call that. The
 * roles of the API may: it is how `response.headers` of PostgREST is set. Nor may anyone list the prepared statements that all callers
 * share (pipeline.ts): whoever knows their names could replace them. A separate server is not changed: it has other users.
 */
const closeSession = readSql(new URL('close-session.sql', import.meta.url));

/** Creates the directory under a temporary name first, so an interrupted start leaves nothing that matters. */
async function ensureDirectory(data: string, directory: string, onProgress: (sentence: string) => void): Promise<void> {
	for (const name of readdirSync(data)) {
		if (name.startsWith(temporaryPrefix)) rmSync(join(data, name), {recursive: true, force: true});
	}
	if (existsSync(directory)) {
		checkVersion(directory);
		return;
	}
	onProgress('Preparing a new database; this happens once.');
	const temporary = join(data, `${temporaryPrefix}${process.pid}`);
	try {
		const template = await templateFile();
		if (existsSync(template)) await unpackFolder(template, temporary);
		else await createDirectory(temporary);
		renameSync(temporary, directory);
		await syncPath(data);
	} catch (error) {
		rmSync(temporary, {recursive: true, force: true});
		throw error instanceof HubError ? error : fileError(`Cannot create a new database in ${data}`, error);
	}
}

function checkVersion(directory: string): void {
	const file = join(directory, 'PG_VERSION');
	const version = existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
	if (version === postgresVersion) return;
	throw version === null
		? damaged(directory, 'PG_VERSION is missing')
		: new HubError(
				`The database in ${directory} is of PostgreSQL ${version}, but this agentmux uses ${postgresVersion}.`,
				'Export it with the agentmux that made it, and import it with this one.',
			);
}

/** `directory`: its path, for messages; `options.directory` may lead to it by another one. */
async function open(directory: string, options: WorkerDatabaseOptions): Promise<WorkerDatabase> {
	try {
		return await WorkerDatabase.open(options);
	} catch (error) {
		const {code = '', message} = error as NodeJS.ErrnoException;
		const full = code === 'ENOSPC' || message.includes('No space left on device');
		if (full || code === 'EACCES' || code === 'EROFS') {
			const reason = full ? {code: 'ENOSPC', message} : error;
			throw fileError(`Cannot open the database in ${directory}`, reason);
		}
		throw damaged(directory, message, error);
	}
}

function damaged(directory: string, reason: string, cause?: unknown): HubError {
	return new HubError(
		`Cannot open the database in ${directory}: ${reason.replace(/\.$/, '')}.`,
		'Restore a backup, or move that folder away to start with an empty database.',
		{cause},
	);
}
