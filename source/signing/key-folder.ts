import {constants, copyFileSync, linkSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {replaceFile, writeBeside} from '../hub/files/whole-file.ts';
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
	try {
		mkdirSync(dirname(path), {recursive: true, mode: 0o700});
		if (first) return putFirst(writeBeside(path, text), path);
		replaceFile(path, text);
		return true;
	} catch (error) {
		throw unusable(path, 'written', error);
	}
}

/** If several processes make the key at once, one wins, and its file is complete from the start. */
function putFirst(temporary: string, path: string): boolean {
	try {
		putWhereNone(temporary, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	} finally {
		rmSync(temporary, {force: true});
	}
}

function putWhereNone(temporary: string, path: string): void {
	try {
		linkSync(temporary, path);
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
		// A file system without links.
		copyFileSync(temporary, path, constants.COPYFILE_EXCL);
	}
}

function unusable(path: string, what: string, cause: unknown): MailboxError {
	const {code = 'unknown fault'} = cause as NodeJS.ErrnoException;
	const [why, remedy] = reasons[code] ?? [code, 'Make it a file of your own, or move it away.'];
	return new MailboxError('file', `${path} cannot be ${what} (${why}).`, remedy, {cause});
}

const reasons: {readonly [code: string]: readonly [why: string, remedy: string]} = {
	ELOOP: ['it is a symbolic link', 'Make it a file of your own, or move it away.'],
	ENOSPC: ['the disk is full', 'Free some space, and try again.'],
	EDQUOT: ['the disk quota is used up', 'Free some space, and try again.'],
	EROFS: ['the file system is read-only', 'Choose another folder with AGENTMUX_HOME.'],
};
