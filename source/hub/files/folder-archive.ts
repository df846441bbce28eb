import {mkdirSync, readdirSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';

/** Packs the contents of a folder into a gzipped tar file (POSIX 1003.1-1990), without owners and times. */
export async function packFolder(folder: string, file: string): Promise<void> {
	const {create} = await import('tar');
	await create({cwd: folder, file, gzip: true, portable: true, noMtime: true, strict: true}, readdirSync(folder));
}

/**
 * Unpacks a file of packFolder into a new folder and syncs it to disk. Everything is owned by this user and readable only by it,
 * whatever the archive says. Rejects with the error of tar or zlib if the file is damaged, or contains anything but files and folders.
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

/** Files that are open at the same time. A new database has a thousand, and the limit of a process may be 256. */
const openAtOnce = 32;

/** Syncs everything in the folder, including names, to disk; several files at a time, which file systems combine into one write. */
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
