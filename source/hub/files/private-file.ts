import {dirname} from 'node:path';
import {HubError} from './error.ts';
import {makeFolder, readOwnFile, replaceFile} from './whole-file.ts';

/** Creates the folder and its parents, accessible only to this user. Throws HubError. */
export function makePrivateFolder(folder: string): void {
	try {
		makeFolder(folder);
	} catch (error) {
		const {path = folder} = error as NodeJS.ErrnoException;
		throw fileError(`Cannot create the folder ${path}`, error);
	}
}

/** Replaces the file atomically and durably; readable only by this user. Throws HubError. */
export function writePrivateFile(path: string, text: string): void {
	makePrivateFolder(dirname(path));
	try {
		replaceFile(path, text);
	} catch (error) {
		throw fileError(`Cannot write ${path}`, error);
	}
}

/** The object in a JSON file; null if there is no such file. Throws HubError, with `remedy`, if it is not a JSON object. */
export function readJsonFile(
	path: string,
	remedy = 'Move it away and try again.',
): {readonly [key: string]: unknown} | null {
	const text = readTextFile(path);
	if (text === null) return null;
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return {...value};
	} catch (cause) {
		throw new HubError(`${path} is damaged: it is not JSON.`, remedy, {cause});
	}
	throw new HubError(`${path} is damaged: it is not a JSON object.`, remedy);
}

function readTextFile(path: string): string | null {
	try {
		return readOwnFile(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw fileError(`Cannot read ${path}`, error);
	}
}

const reasons: {readonly [code: string]: readonly [reason: string, remedy: string]} = {
	ENOENT: ['nothing can be created there', 'Choose another folder with AGENTMUX_HOME.'],
	ELOOP: ['it is a link, and may lead elsewhere', 'Move it away if you did not put it there, and try again.'],
	EISDIR: ['it is a folder, not a file', 'Move it away, and try again.'],
	ENOTFILE: ['it is not an ordinary file', 'Move it away if you did not put it there, and try again.'],
	ENXIO: ['it is not an ordinary file', 'Move it away if you did not put it there, and try again.'],
	EACCES: ['permission is denied', 'Make it yours, or choose another folder with AGENTMUX_HOME.'],
	EPERM: ['permission is denied', 'Make it yours, or choose another folder with AGENTMUX_HOME.'],
	EROFS: ['the file system is read-only', 'Choose another folder with AGENTMUX_HOME.'],
	ENOSPC: ['the disk is full', 'Free some space, or choose another folder with AGENTMUX_HOME.'],
	EDQUOT: ['the disk quota is used up', 'Free some space, or choose another folder with AGENTMUX_HOME.'],
	ENOTDIR: ['there is a file where a folder should be', 'Move it away, or choose another folder with AGENTMUX_HOME.'],
	ENAMETOOLONG: ['its path is too long', 'Choose a shorter one with AGENTMUX_HOME.'],
	EEXIST: ['there is a file where a folder should be', 'Move it away, or choose another folder with AGENTMUX_HOME.'],
};

/** `what` failed: an error with the reason and a remedy for the operating system's error code. */
export function fileError(what: string, cause: unknown): HubError {
	const {code = '', message} = cause as NodeJS.ErrnoException;
	const [reason, remedy] = reasons[code] ?? [message, 'Choose another folder with AGENTMUX_HOME.'];
	return new HubError(`${what}: ${reason}.`, remedy, {cause});
}
