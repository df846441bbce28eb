import {existsSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {adoptDirectory, postgresVersion, temporaryPrefix} from '../pglite/data-directory.ts';
import {rememberedDatabase} from './database-choice.ts';
import {stopHub} from './ensure.ts';
import {HubError} from '../files/error.ts';
import {hubLock, type RunningHub} from './find.ts';
import {packFolder, syncPath, unpackFolder} from '../files/folder-archive.ts';
import {localFetch} from '../local/fetch.ts';
import {takeLock, type Lock} from '../files/lock.ts';
import {newestMigration} from '../schema/newest-migration.ts';
import type {HubPaths} from '../files/paths.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import {findDamagedPage} from '../pglite/page-checksums.ts';
import {fileError, makePrivateFolder} from '../files/private-file.ts';
import {version} from '../files/version.ts';

/** Beside the data directory in a backup: what made it. */
interface Manifest {
	readonly format: typeof format;
	readonly agentmux: string;
	/** The newest migration that it knew. */
	readonly schema: string;
	/** PostgreSQL's major version. */
	readonly postgres: string;
	/** ISO 8601. */
	readonly made_at: string;
}

const format = 'agentmux-backup-1';
const manifestName = 'agentmux.json';

/**
 * Writes the mailbox, as it is at one moment, to a new file for this user alone, while the hub goes on, and opens what it
 * wrote as a restore would. Resolves with the number of messages in it. Keys are not in it: whoever has the file can read the
 * messages, but not speak for anybody. Rejects with HubError, and then there is no file.
 */
export async function writeBackup(hub: RunningHub, file: string): Promise<number> {
	refuseTaken(file);
	const folder = await askCopy(hub);
	const unpacked = `${folder}-check`;
	const partial = `${file}.${process.pid}.partial`;
	try {
		const manifest: Manifest = {
			format,
			agentmux: version,
			schema: newestMigration(),
			postgres: postgresVersion,
			made_at: new Date().toISOString(),
		};
		writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, '\t')}\n`, {mode: 0o600});
		writeFileSync(partial, '', {mode: 0o600, flag: 'wx'});
		await packFolder(folder, partial);
		await syncPath(partial);
		const messages = await check(partial, unpacked);
		// No link, which not every disk that backups are kept on can make.
		refuseTaken(file);
		renameSync(partial, file);
		await syncPath(dirname(file));
		return messages;
	} catch (error) {
		throw error instanceof HubError ? error : unwritten(file, error);
	} finally {
		rmSync(partial, {force: true});
		rmSync(folder, {recursive: true, force: true});
		rmSync(unpacked, {recursive: true, force: true});
	}
}

/** Whether a restore would take it, and nothing in it is damaged. */
async function check(file: string, folder: string): Promise<number> {
	try {
		await unpack(file, folder);
		const damaged = findDamagedPage(join(folder, 'pg'));
		if (damaged !== null) throw new Error(`page ${damaged.page} of ${damaged.file} is damaged`);
		return await adoptDirectory(join(folder, 'pg'));
	} catch (error) {
		const {message} = error as Error;
		throw new HubError(
			`The database was copied, but its copy cannot be restored: ${message.replace(/\.$/, '')}.`,
			'No backup was kept; see `agentmux hub logs`, and keep the data folder as it is.',
			{cause: error},
		);
	}
}

function refuseTaken(file: string): void {
	if (existsSync(file)) throw new HubError(`${file} is there already.`, 'Name another file, or move that one away.');
}

async function askCopy(hub: RunningHub): Promise<string> {
	const {url, service_role_key} = hub;
	const response = await localFetch(hub)(`${url}/agentmux/v1/copies`, {
		method: 'POST',
		headers: {authorization: `Bearer ${service_role_key}`},
	}).catch((error: unknown) => {
		throw new HubError('The hub went away.', 'Try again.', {cause: error});
	});
	const {folder, message} = (await response.json()) as {readonly folder?: string; readonly message?: string};
	if (response.status === 201 && folder !== undefined) return folder;
	if (response.status === 409) throw new HubError(message ?? '', 'Back it up as that server is: with pg_dump.');
	throw new HubError(`The hub could not copy its database: ${message ?? response.status}.`, 'See `agentmux hub logs`.');
}

/**
 * Puts a backup in the place of the mailbox: unpacked, opened and brought up to date first, and only then is the hub ended.
 * Resolves with the folder in which what was there is kept; null when nothing was. Rejects with HubError, and then nothing has
 * changed. Whoever starts the hub next serves the backup.
 */
export async function restoreBackup(
	paths: HubPaths,
	file: string,
	onProgress: (sentence: string) => void,
): Promise<string | null> {
	for (const folder of [paths.data, paths.state, paths.logs]) makePrivateFolder(folder);
	const served = rememberedDatabase(paths);
	if (served !== embedded) {
		throw new HubError(
			`The mailbox is on the PostgreSQL ${describeDatabase(served)}.`,
			'Restore that server by its own means, or go back to the embedded database first: `agentmux hub start --database-url embedded`.',
		);
	}
	const folder = join(paths.data, `${temporaryPrefix}restore-${process.pid}`);
	rmSync(folder, {recursive: true, force: true});
	try {
		onProgress('Unpacking the backup.');
		await unpack(file, folder);
		onProgress('Opening it.');
		await adoptDirectory(join(folder, 'pg'));
		// Nobody starts a hub between the end of this one and the exchange.
		const starting = await takePatiently(join(paths.state, 'start.lock'));
		try {
			onProgress('Putting it in place.');
			await stopHub(paths);
			const lock = await takePatiently(hubLock(paths));
			try {
				return await exchange(paths.data, join(folder, 'pg'));
			} finally {
				lock.release();
			}
		} finally {
			starting.release();
		}
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
}

async function unpack(file: string, folder: string): Promise<void> {
	try {
		await unpackFolder(file, folder);
	} catch (error) {
		const {code = ''} = error as NodeJS.ErrnoException;
		if (['ENOSPC', 'EDQUOT'].includes(code)) throw fileError(`${file} cannot be unpacked in ${dirname(folder)}`, error);
		if (['ENOENT', 'EACCES', 'EISDIR'].includes(code))
			throw new HubError(`${file} cannot be read (${code}).`, 'Nothing was changed.');
		throw new HubError(`${file} is not an agentmux backup, or it is damaged.`, 'Nothing was changed.', {cause: error});
	}
	const manifest = manifestIn(join(folder, manifestName));
	if (manifest?.format !== format || !existsSync(join(folder, 'pg'))) {
		throw new HubError(`${file} is not an agentmux backup.`, 'Nothing was changed.');
	}
	if (manifest.postgres === postgresVersion) return;
	throw new HubError(
		`${file} is of PostgreSQL ${manifest.postgres}, made by agentmux ${manifest.agentmux}; this one runs ${postgresVersion}.`,
		'Restore it with that agentmux.',
	);
}

function manifestIn(path: string): Manifest | null {
	try {
		return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
	} catch {
		return null;
	}
}

/** Two names are changed; between them stands neither, which a start would take for a first one: the locks keep that away. */
async function exchange(data: string, restored: string): Promise<string | null> {
	const directory = join(data, 'pg');
	const kept = existsSync(directory)
		? join(data, `pg.before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
		: null;
	try {
		if (kept !== null) renameSync(directory, kept);
		try {
			renameSync(restored, directory);
		} catch (error) {
			if (kept !== null) renameSync(kept, directory);
			throw error;
		}
		await syncPath(data);
		return kept;
	} catch (error) {
		throw fileError(`The backup cannot be put in place in ${data}`, error);
	}
}

async function takePatiently(path: string): Promise<Lock> {
	for (let tries = 0; tries < 300; tries += 1) {
		const lock = await takeLock(path);
		if (lock !== null) return lock;
		await sleep(100);
	}
	throw new HubError(`Somebody holds ${path}.`, 'Is another hub starting? Try again; nothing was changed.');
}

function unwritten(file: string, error: unknown): HubError {
	const {code = '', message} = error as NodeJS.ErrnoException;
	const reasons: Record<string, string> = {
		ENOENT: 'its folder does not exist, or the copy was removed',
		EACCES: 'permission is denied',
		ENOSPC: 'the disk is full',
		EEXIST: 'it exists already',
		EROFS: 'the file system is read-only',
	};
	return new HubError(`${file} cannot be written: ${reasons[code] ?? message}.`, 'Name another file.', {cause: error});
}
