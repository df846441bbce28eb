import {
	closeSync,
	constants,
	copyFileSync,
	fsyncSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	writeSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {MailboxError} from '../mailbox/error.ts';

/** The files of the keys; `data` is the folder of what must not be lost. */
export function secretFile(data: string): string {
	return join(data, 'human-key.json');
}

/** This home's own public key, one line. */
export function publicFile(data: string): string {
	return join(data, 'human-key.pub');
}

/** The public keys of others that are trusted here. */
export function trustFile(data: string): string {
	return join(data, 'trusted-keys.json');
}

/** A file's text, null where there is none; a link is not followed. Throws MailboxError `file`. */
export function readOwnFile(path: string): string | null {
	try {
		return readFileSync(path, {
			encoding: 'utf8',
			flag: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
		});
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw unusable(path, 'read', error);
	}
}

/**
 * Writes a file as a whole, on disk, readable by this user alone. With `first` it stays as it is where it is there already, and
 * the answer is false. Throws MailboxError `file`.
 */
export function writeOwnFile(path: string, text: string, {first = false} = {}): boolean {
	// Loaded only for writing: the hook only reads.
	const {randomUUID} = process.getBuiltinModule('node:crypto');
	const temporary = `${path}.${process.pid}-${randomUUID().slice(0, 8)}`;
	try {
		mkdirSync(dirname(path), {recursive: true, mode: 0o700});
		const file = openSync(temporary, 'wx', 0o600);
		try {
			writeSync(file, text);
			fsyncSync(file);
		} finally {
			closeSync(file);
		}
		if (first) return putFirst(temporary, path);
		renameSync(temporary, path);
		return true;
	} catch (error) {
		throw unusable(path, 'written', error);
	} finally {
		rmSync(temporary, {force: true});
	}
}

/** If several processes make the key at once, one wins, and its file is complete from the start. */
function putFirst(temporary: string, path: string): boolean {
	try {
		linkSync(temporary, path);
		return true;
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code === 'EEXIST') return false;
		if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
	}
	try {
		// A file system without links.
		copyFileSync(temporary, path, constants.COPYFILE_EXCL);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	}
}

function unusable(path: string, what: string, cause: unknown): MailboxError {
	const {code = 'unknown fault'} = cause as NodeJS.ErrnoException;
	const why = code === 'ELOOP' ? 'it is a symbolic link' : code;
	return new MailboxError(
		'file',
		`${path} cannot be ${what} (${why}).`,
		'Make it a file of your own, or move it away.',
		{
			cause,
		},
	);
}
