import {chmodSync, closeSync, constants, openSync, readSync, statSync, truncateSync, type BigIntStats} from 'node:fs';
import type * as Sqlite from 'node:sqlite';
import {fileError} from './private-file.ts';

/** Held until it is released or the process ends, however it ends. */
export interface Lock {
	/**
	 * Whether the path, or another one, leads to what is locked: no longer once somebody has moved, removed or replaced the file
	 * or a folder above it. Takes some microseconds.
	 */
	isAt(path?: string): boolean;
	release(): void;
}

const busy = 5;
const notADatabase = 26;
const corrupt = 11;
/** Bytes: SQLite takes no longer ones (MAX_PATHNAME), with the suffix of its journal. */
const maxPathLength = 500;

/**
 * Takes an exclusive lock on the file (made when absent) or resolves with null when another process holds it. The kernel
 * keeps it (fcntl, by way of SQLite), so that it dies with its process and cannot be stolen; but whoever opens and closes the
 * file in the same process gives it up, so that nobody may. With `sign` the file says who holds it (lockHolder). Rejects with
 * HubError.
 */
export async function takeLock(path: string, {sign = false} = {}): Promise<Lock | null> {
	const {DatabaseSync} = await loadSqlite();
	const take = (): Lock => {
		const database = new DatabaseSync(path);
		try {
			chmodSync(path, 0o600);
			database.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; pragma synchronous = off');
			database.exec('begin exclusive');
			// The lock stays after the commit: its mode is exclusive.
			if (sign) database.exec(`pragma user_version = ${process.pid}; commit`);
			const locked = identityOf(path);
			return {isAt: (where = path) => isSame(locked, identityOf(where)), release: () => database.close()};
		} catch (error) {
			database.close();
			throw error;
		}
	};
	try {
		return take();
	} catch (error) {
		const {errcode} = error as {errcode?: unknown};
		if (errcode === busy) return null;
		try {
			// Nobody holds it, or it would have been busy; what it holds does not matter.
			if (errcode !== notADatabase && errcode !== corrupt) throw error;
			truncateSync(path);
			return take();
		} catch (second) {
			if ((second as {errcode?: unknown}).errcode === busy) return null;
			throw fileError(`The lock ${path} cannot be taken`, faultOf(path) ?? second);
		}
	}
}

/** What SQLite does not say: it only says that it cannot open the file. */
function faultOf(path: string): {readonly code: string} | null {
	if (Buffer.byteLength(path) > maxPathLength) return {code: 'ENAMETOOLONG'};
	const found = statSync(path, {throwIfNoEntry: false});
	if (found === undefined || found.isFile()) return null;
	return {code: found.isDirectory() ? 'EISDIR' : 'ENOTFILE'};
}

/** Where SQLite keeps `user_version`, four bytes, in the header of its file (https://sqlite.org/fileformat2.html). */
const signature = 60;

/**
 * The process that signed the lock last, whether it still holds it or not; null when nobody did. Never in the process that
 * holds it.
 */
export function lockHolder(path: string): number | null {
	try {
		// To open a pipe would wait for who writes into it.
		const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
		try {
			const bytes = Buffer.alloc(4);
			const count = readSync(file, bytes, 0, bytes.length, signature);
			return count === bytes.length ? bytes.readUInt32BE() || null : null;
		} finally {
			closeSync(file);
		}
	} catch {
		return null;
	}
}

function identityOf(path: string): BigIntStats | undefined {
	try {
		return statSync(path, {bigint: true, throwIfNoEntry: false});
	} catch {
		return undefined;
	}
}

function isSame(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
	return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** Node prints a warning about its SQLite at the first load; a user cannot do anything with it. */
async function loadSqlite(): Promise<typeof Sqlite> {
	const emitWarning = process.emitWarning.bind(process);
	process.emitWarning = () => undefined;
	try {
		return await import('node:sqlite');
	} finally {
		process.emitWarning = emitWarning;
	}
}
