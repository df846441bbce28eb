import {
	closeSync,
	constants,
	fstatSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from 'node:fs';
import {dirname} from 'node:path';

// All files of the home are read and written by this module, which every part of the program may use: it imports only Node's modules.

interface Durability {
	/** False: do not wait for the disk (typically 5 to 40 ms); the file may be lost in a power cut. */
	readonly sync?: boolean;
}

/**
 * The text of a file of the home. Does not follow links, and does not block: opening a pipe would wait for a writer. Throws Node's
 * error; its code is ENOTFILE for what is neither a file nor a folder.
 */
export function readOwnFile(path: string): string {
	const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	try {
		const found = fstatSync(file);
		if (!found.isFile()) {
			throw Object.assign(new Error('not a file'), {code: found.isDirectory() ? 'EISDIR' : 'ENOTFILE'});
		}
		return readFileSync(file, 'utf8');
	} finally {
		closeSync(file);
	}
}

const {O_APPEND, O_CREAT, O_RDWR, O_TRUNC, O_WRONLY, O_NOFOLLOW, O_NONBLOCK} = constants;
/** Follows no link, and does not wait for the reader of a pipe. */
export const appendOnly = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * Appends lines to a private file, which is created if it is missing; its folder must exist. They do not continue a line that was cut
 * short by a full disk or a power cut, with which they would be lost. Throws Node's error.
 */
export function appendToOwnFile(path: string, lines: string): void {
	const file = openSync(path, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0o600);
	try {
		if (!fstatSync(file).isFile()) throw Object.assign(new Error('not a file'), {code: 'ENOTFILE'});
		if (lines !== '') writeAll(file, Buffer.from(isCutShort(file) ? `\n${lines}` : lines));
	} finally {
		closeSync(file);
	}
}

function isCutShort(file: number): boolean {
	const {size} = fstatSync(file);
	const last = Buffer.alloc(1);
	return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
}

/** Writes a private file in place, for those who watch it: until it is written, readers find it empty. Throws Node's error. */
export function rewriteOwnFile(path: string, text: string): void {
	const file = openSync(path, O_TRUNC | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
	try {
		writeAll(file, Buffer.from(text));
	} finally {
		closeSync(file);
	}
}

/**
 * Creates or atomically replaces the file, readable only by this user. Readers get either the former text or the new one, even after a
 * power cut. The folder must exist. If it fails, throws Node's error and leaves the file unchanged.
 */
export function replaceFile(path: string, text: string, durability?: Durability): void {
	const temporary = writeBeside(path, text, durability);
	try {
		renameSync(temporary, path);
	} catch (error) {
		rmSync(temporary, {force: true});
		throw error;
	}
}

/** The same, and creates the folder if it is missing. Throws Node's error. */
export function writePrivate(path: string, text: string, durability?: Durability): void {
	makeFolder(dirname(path));
	replaceFile(path, text, durability);
}

/**
 * Creates the folder and its parents, accessible only to this user. Throws Node's error. Does not use Node's `recursive`, which reports
 * ENOENT for a read-only file system, and never returns below /proc.
 */
export function makeFolder(folder: string): void {
	if (isFolder(folder) || dirname(folder) === folder) return;
	makeFolder(dirname(folder));
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch (error) {
		// Another process was faster.
		if (isFolder(folder)) return;
		// It exists, but is not a folder: report the error that Node gives for paths below it.
		const isFile = (error as NodeJS.ErrnoException).code === 'EEXIST';
		throw isFile ? Object.assign(error as Error, {code: 'ENOTDIR'}) : error;
	}
}

function isFolder(path: string): boolean {
	return statSync(path, {throwIfNoEntry: false})?.isDirectory() === true;
}

/** Writes and syncs a new file in the folder of `path`. Returns its path. If it fails, throws Node's error and leaves no file. */
export function writeBeside(path: string, text: string, {sync = true}: Durability = {}): string {
	const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
	const file = openSync(temporary, 'wx', 0o600);
	try {
		writeAll(file, Buffer.from(text));
		if (sync) fsyncSync(file);
		return temporary;
	} catch (error) {
		rmSync(temporary, {force: true});
		throw error;
	} finally {
		closeSync(file);
	}
}

/** A write may be partial when a disk, quota or limit is full; the next one then reports which. */
function writeAll(file: number, bytes: Buffer): void {
	for (let at = 0; at < bytes.length;) {
		const count = writeSync(file, bytes, at);
		if (count > 0) at += count;
		else throw Object.assign(new Error(`only ${at} of ${bytes.length} bytes were written`), {code: 'EIO'});
	}
}
