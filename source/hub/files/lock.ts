import {chmodSync, closeSync, constants, openSync, readSync, statSync, truncateSync, type BigIntStats} from 'node:fs';
import type * as Sqlite from 'node:sqlite';
import {fileError} from './private-file.ts';

/** A lock that is held until it is released or the process ends, in whatever way. */
export interface Lock {
	/**
	 * Whether a path, by default that of the lock, leads to the locked file. False if somebody moved, removed or replaced the file or a
	 * folder above it. Takes a few microseconds.
	 */
	isAt(path?: string): boolean;
	release(): void;
}

const busy = 5;
const notADatabase = 26;
const corrupt = 11;
/** Bytes. SQLite's limit (MAX_PATHNAME), less the suffix of its journal. */
const maxPathLength = 500;

/**
 * Takes an exclusive lock on the file, which is created if missing; null if another process holds it. The kernel keeps the lock (fcntl,
 * through SQLite), so it ends with the process and cannot be stolen. But opening and closing the file in the same process would release
 * it, so this process must never do that. With `sign`, the file records the holder (lockHolder). Rejects with HubError.
 */
export async function takeLock(path: string, {sign = false} = {}): Promise<Lock | null> {
	const {DatabaseSync} = await loadSqlite();
	const take = (): Lock => {
		const database = new DatabaseSync(path);
		try {
			chmodSync(path, 0o600);
			database.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; pragma synchronous = off');
			database.exec('begin exclusive');
			// In exclusive mode, the lock is kept after the commit.
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
			// It is not locked, or it would be busy, and its contents do not matter.
			if (errcode !== notADatabase && errcode !== corrupt) throw error;
			truncateSync(path);
			return take();
		} catch (second) {
			if ((second as {errcode?: unknown}).errcode === busy) return null;
			throw fileError(`The lock ${path} cannot be taken`, faultOf(path) ?? second);
		}
	}
}

/** The reason, which SQLite does not report: its error is only that it cannot open the file. */
function faultOf(path: string): {readonly code: string} | null {
	if (Buffer.byteLength(path) > maxPathLength) return {code: 'ENAMETOOLONG'};
	const found = statSync(path, {throwIfNoEntry: false});
	if (found === undefined || found.isFile()) return null;
	return {code: found.isDirectory() ? 'EISDIR' : 'ENOTFILE'};
}

/** The offset of `user_version`, four bytes, in the header of an SQLite file (https://sqlite.org/fileformat2.html). */
const signature = 60;

/** The process that last signed the lock, even if it no longer holds it; null if none did. The holder itself must not call this. */
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

/** Without Node's warning about its SQLite, which is of no use to the user. */
async function loadSqlite(): Promise<typeof Sqlite> {
	const emitWarning = process.emitWarning.bind(process);
	process.emitWarning = () => undefined;
	try {
		return await import('node:sqlite');
	} finally {
		process.emitWarning = emitWarning;
	}
}
