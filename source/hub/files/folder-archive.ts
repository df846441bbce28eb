import {mkdirSync, readdirSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';

/** What a folder holds, as a compressed tar file (POSIX 1003.1-1990, gzip): any tar lists it. Neither owners nor times are kept. */
export async function packFolder(folder: string, file: string): Promise<void> {
	const {create} = await import('tar');
	await create({cwd: folder, file, gzip: true, portable: true, noMtime: true, strict: true}, readdirSync(folder));
}

/**
 * Writes what packFolder packed into a new folder, readable by this user alone and owned by it whatever the file says, and all
 * of it to the disk. Rejects with what tar or zlib say of a file that is damaged, or holds more than files and folders below
 * that one.
 */
export async function unpackFolder(file: string, folder: string): Promise<void> {
	mkdirSync(folder, {mode: 0o700});
	const {extract} = await import('tar');
	extract({
		sync: true,
		cwd: folder,
		file,
		strict: true,
		preserveOwner: false,
		filter(path, entry) {
			if (!('type' in entry) || (entry.type !== 'File' && entry.type !== 'Directory')) {
				throw new Error(`${path} is neither a file nor a folder`);
			}
			entry.mode = entry.type === 'File' ? 0o600 : 0o700;
			return true;
		},
	});
	await syncFolder(folder);
}

/** Files that are open at once: a new database has a thousand, and a process may well be allowed 256. */
const openAtOnce = 32;

/**
 * Writes everything in the folder, and the names of it, to the disk. Not one after the other: what is asked for together,
 * the file system writes in one go.
 */
export async function syncFolder(folder: string): Promise<void> {
	const entries = readdirSync(folder, {recursive: true, withFileTypes: true});
	const paths = [folder, ...entries.map(({parentPath, name}) => join(parentPath, name))].values();
	const syncRest = async (): Promise<void> => {
		for (const path of paths) await syncPath(path);
	};
	await Promise.all(Array.from({length: openAtOnce}, syncRest));
}

export async function syncPath(path: string): Promise<void> {
	const file = await open(path, 'r');
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}
