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

/** In a backup, next to the data directory. */
interface Manifest {
	readonly format: typeof format;
	readonly agentmux: string;
	/** The newest migration of that agentmux. */
	readonly schema: string;
	/** PostgreSQL's major version. */
	readonly postgres: string;
	/** ISO 8601. */
	readonly made_at: string;
}

const format = 'agentmux-backup-1';
const manifestName = 'agentmux.json';

/**
 * Writes a consistent copy of the mailbox to a new private file while the hub is running, and checks that it can be restored. Resolves
 * with the number of messages in it. The backup has no keys: it lets one read the messages, but not write as anybody. Rejects with
 * HubError, and then leaves no file.
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
		// A rename, because not every disk for backups supports hard links.
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

/** Checks that it can be restored and is not damaged. Resolves with the number of messages in it. */
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
			'The backup was deleted. See `agentmux hub logs`, and leave the data folder as it is.',
			{cause: error},
		);
	}
}

function refuseTaken(file: string): void {
	if (existsSync(file)) throw new HubError(`${file} already exists.`, 'Choose another file, or move that one away.');
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
	if (response.status === 409) throw new HubError(message ?? '', 'Back up that server with pg_dump.');
	throw new HubError(`The hub could not copy its database: ${message ?? response.status}.`, 'See `agentmux hub logs`.');
}

/**
 * Replaces the mailbox with a backup, which is first unpacked, opened and brought up to date; only then is the hub stopped. The next start
 * serves the backup. Resolves with the folder in which the previous mailbox is kept; null if there was none. Rejects with HubError, and
 * then has changed nothing.
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
			'Restore that server with its own tools, or first switch to the embedded database: `agentmux hub start --database-url embedded`.',
		);
	}
	const folder = join(paths.data, `${temporaryPrefix}restore-${process.pid}`);
	rmSync(folder, {recursive: true, force: true});
	try {
		onProgress('Unpacking the backup.');
		await unpack(file, folder);
		onProgress('Opening it.');
		await adoptDirectory(join(folder, 'pg'), onProgress);
		// Prevents others from starting a hub before the exchange.
		const starting = await waitForLock(join(paths.state, 'start.lock'));
		try {
			onProgress('Putting it in place.');
			await stopHub(paths);
			const lock = await waitForLock(hubLock(paths));
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
		if (['ENOSPC', 'EDQUOT'].includes(code)) throw fileError(`Cannot unpack ${file} in ${dirname(folder)}`, error);
		if (['ENOENT', 'EACCES', 'EISDIR'].includes(code))
			throw new HubError(`Cannot read ${file} (${code}).`, 'Nothing was changed.');
		throw new HubError(`${file} is not an agentmux backup, or it is damaged.`, 'Nothing was changed.', {cause: error});
	}
	const manifest = manifestIn(join(folder, manifestName));
	if (manifest?.format !== format || !existsSync(join(folder, 'pg'))) {
		throw new HubError(`${file} is not an agentmux backup.`, 'Nothing was changed.');
	}
	if (manifest.postgres === postgresVersion) return;
	throw new HubError(
		`${file} is of PostgreSQL ${manifest.postgres}, made by agentmux ${manifest.agentmux}, but this one uses ${postgresVersion}.`,
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

/** Renames both folders. Between the two renames, a starting hub would find no database and create one; the locks prevent that. */
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
		throw fileError(`Cannot move the backup into ${data}`, error);
	}
}

async function waitForLock(path: string): Promise<Lock> {
	for (let tries = 0; tries < 300; tries += 1) {
		const lock = await takeLock(path);
		if (lock !== null) return lock;
		await sleep(100);
	}
	throw new HubError(`${path} is locked.`, 'Another hub may be starting. Nothing was changed; try again.');
}

function unwritten(file: string, error: unknown): HubError {
	const {code = '', message} = error as NodeJS.ErrnoException;
	const reasons: Record<string, string> = {
		ENOENT: 'its folder does not exist, or the copy was removed',
		EACCES: 'permission is denied',
		ENOSPC: 'the disk is full',
		EEXIST: 'it already exists',
		EROFS: 'the file system is read-only',
	};
	return new HubError(`Cannot write ${file}: ${reasons[code] ?? message}.`, 'Choose another file.', {cause: error});
}
