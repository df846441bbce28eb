import {
	closeSync,
	constants,
	fstatSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from 'node:fs';
import {dirname} from 'node:path';

// The one way in which a file of the home is read and written, for every room: it imports nothing but Node's own.

interface Durability {
	/** False where it may be lost with the power, and the time for the disk is worth more: as a rule 5 to 40 ms. */
	readonly sync?: boolean;
}

/**
 * The text of a file of the home. Follows no link, and waits for nobody: to open a pipe waits for who writes into it. Throws Node's
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

/**
 * Replaces the file, or makes it, readable by this user alone: whoever reads it finds the former text or this one, whole, also
 * after a power cut. The folder has to be there. Throws Node's error, and then the file is as it was.
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

/** The same, and makes the folder where there is none. Throws Node's error. */
export function writePrivate(path: string, text: string, durability?: Durability): void {
	makeFolder(dirname(path));
	replaceFile(path, text, durability);
}

/**
 * Makes the folder and those above it; readable by this user alone. Throws Node's error. One folder at a time: Node's own
 * `recursive` says ENOENT for a read-only file system, and never returns below /proc.
 */
export function makeFolder(folder: string): void {
	if (isFolder(folder) || dirname(folder) === folder) return;
	makeFolder(dirname(folder));
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch (error) {
		// Somebody else was first.
		if (isFolder(folder)) return;
		// What is there is no folder: Node says so of what lies below it.
		const isFile = (error as NodeJS.ErrnoException).code === 'EEXIST';
		throw isFile ? Object.assign(error as Error, {code: 'ENOTDIR'}) : error;
	}
}

function isFolder(path: string): boolean {
	return statSync(path, {throwIfNoEntry: false})?.isDirectory() === true;
}

/** Writes a new file beside that one, every byte of it on the disk. Returns its path. Throws Node's error, and leaves nothing. */
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

/** One write may take a part alone: where the disk, a quota or a limit ends; the next one says which. */
function writeAll(file: number, bytes: Buffer): void {
	for (let at = 0; at < bytes.length;) {
		const count = writeSync(file, bytes, at);
		if (count === 0) break;
		at += count;
	}
	const {size} = fstatSync(file);
	if (size === bytes.length) return;
	throw Object.assign(new Error(`only ${size} of ${bytes.length} bytes were written`), {code: 'EIO'});
}
