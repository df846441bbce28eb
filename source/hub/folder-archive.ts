import {closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {gunzip, gzip} from 'node:zlib';

interface Entry {
	/** Relative to the folder. */
	readonly path: string;
	/** Bytes of the file; null for a folder. */
	readonly size: number | null;
	/** Bytes kept: zeros at the end are left out, which most of PostgreSQL's log is. */
	readonly kept: number;
}

/** A folder's files and folders in one compressed buffer. Times and rights are not kept. */
export async function packFolder(folder: string): Promise<Buffer> {
	const entries: Entry[] = [];
	const contents: Buffer[] = [];
	for (const entry of readdirSync(folder, {recursive: true, withFileTypes: true})) {
		const path = join(entry.parentPath, entry.name);
		const relative = path.slice(folder.length + 1);
		if (entry.isDirectory()) {
			entries.push({path: relative, size: null, kept: 0});
		} else {
			const content = readFileSync(path);
			const kept = withoutZeros(content);
			entries.push({path: relative, size: content.length, kept: kept.length});
			contents.push(kept);
		}
	}
	const head = Buffer.from(JSON.stringify(entries.sort((a, b) => Number(b.size === null) - Number(a.size === null))));
	const length = Buffer.alloc(4);
	length.writeUInt32LE(head.length);
	return promisify(gzip)(Buffer.concat([length, head, ...contents]), {level: 9});
}

/** Writes what packFolder packed into a new folder, readable by this user alone, and all of it to the disk. */
export async function unpackFolder(archive: Buffer, folder: string): Promise<void> {
	const bytes = await promisify(gunzip)(archive);
	const headEnd = 4 + bytes.readUInt32LE(0);
	const entries = JSON.parse(bytes.toString('utf8', 4, headEnd)) as Entry[];
	mkdirSync(folder, {mode: 0o700});
	let at = headEnd;
	for (const {path, size, kept} of entries) {
		if (size === null) {
			mkdirSync(join(folder, path), {recursive: true, mode: 0o700});
			continue;
		}
		const file = openSync(join(folder, path), 'wx', 0o600);
		writeSync(file, bytes, at, kept);
		ftruncateSync(file, size);
		closeSync(file);
		at += kept;
	}
	await syncFolder(folder);
}

/**
 * Writes everything in the folder, and the names of it, to the disk. Not one after the other: what is asked for together,
 * the file system writes in one go.
 */
export async function syncFolder(folder: string): Promise<void> {
	const entries = readdirSync(folder, {recursive: true, withFileTypes: true});
	await Promise.all([folder, ...entries.map(({parentPath, name}) => join(parentPath, name))].map(syncPath));
}

export async function syncPath(path: string): Promise<void> {
	const file = await open(path, 'r');
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}

function withoutZeros(content: Buffer): Buffer {
	let end = content.length;
	while (end > 0 && content[end - 1] === 0) end--;
	return content.subarray(0, end);
}
