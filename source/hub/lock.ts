import {chmodSync} from 'node:fs';
import type * as Sqlite from 'node:sqlite';
import {fileError} from './private-file.ts';

/** Held until it is released or the process ends, however it ends. */
export interface Lock {
	release(): void;
}

const busy = 5;

/**
 * Takes an exclusive lock on the file (made when absent) or resolves with null when another process holds it. The kernel
 * keeps it (fcntl, by way of SQLite), so that it dies with its process and cannot be stolen. Rejects with HubError.
 */
export async function takeLock(path: string): Promise<Lock | null> {
	const {DatabaseSync} = await loadSqlite();
	try {
		const database = new DatabaseSync(path);
		try {
			chmodSync(path, 0o600);
			database.exec('pragma locking_mode = exclusive; begin exclusive');
		} catch (error) {
			database.close();
			throw error;
		}
		return {release: () => database.close()};
	} catch (error) {
		if ((error as {errcode?: unknown}).errcode === busy) return null;
		throw fileError(`The lock ${path} cannot be taken`, error);
	}
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
