import {constants, copyFileSync, linkSync, mkdirSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {readOwnFile, replaceFile, writeBeside} from '../hub/files/whole-file.ts';
import {MailboxError} from '../mailbox/error.ts';

/** The file of this home's secret key; `data` is the home's data folder. */
export function secretFile(data: string): string {
	return join(data, 'human-key.json');
}

/** The file of this home's public key, one line. */
export function publicFile(data: string): string {
	return join(data, 'human-key.pub');
}

/** The file of other people's public keys that are trusted here. */
export function trustFile(data: string): string {
	return join(data, 'trusted-keys.json');
}

/** The text of a file, or null if there is none. Symbolic links are not followed. Throws MailboxError `file`. */
export function readKeyFile(path: string): string | null {
	try {
		return readOwnFile(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw unusable(path, 'read', error);
	}
}

/**
 * Writes and syncs a file that only this user can read, as a whole or not at all. With `first` an existing file is kept, and the
 * result is false. Throws MailboxError `file`.
 */
export function writeKeyFile(path: string, text: string, {first = false} = {}): boolean {
	try {
		mkdirSync(dirname(path), {recursive: true, mode: 0o700});
		if (first) return linkFirst(writeBeside(path, text), path);
		replaceFile(path, text);
		return true;
	} catch (error) {
		throw unusable(path, 'written', error);
	}
}

/** If several processes create the key at the same time, one of them wins, and its file is complete from the start. */
function linkFirst(temporary: string, path: string): boolean {
	try {
		linkNew(temporary, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	} finally {
		rmSync(temporary, {force: true});
	}
}

/** Throws EEXIST if there is a file already. */
function linkNew(temporary: string, path: string): void {
	try {
		linkSync(temporary, path);
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
		// The file system does not support links.
		copyFileSync(temporary, path, constants.COPYFILE_EXCL);
	}
}

function unusable(path: string, what: string, cause: unknown): MailboxError {
	const {code = 'unknown error'} = cause as NodeJS.ErrnoException;
	const [why, remedy] = reasons[code] ?? [code, 'Check its owner and permissions, or move it away.'];
	return new MailboxError('file', `${path} cannot be ${what} (${why}).`, remedy, {cause});
}

const reasons: {readonly [code: string]: readonly [why: string, remedy: string]} = {
	EISDIR: ['it is a folder', 'Move it away and try again.'],
	ENOTFILE: ['it is not a regular file', 'Move it away and try again.'],
	ELOOP: ['it is a symbolic link', 'Replace it with a regular file, or move it away.'],
	ENOSPC: ['the disk is full', 'Free some space and try again.'],
	EDQUOT: ['the disk quota is used up', 'Free some space and try again.'],
	EROFS: ['the file system is read-only', 'Choose another folder with AGENTMUX_HOME.'],
};
