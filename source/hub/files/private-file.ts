import {dirname} from 'node:path';
import {HubError} from './error.ts';
import {makeFolder, readOwnFile, replaceFile} from './whole-file.ts';

/** Makes the folder and those above it; readable by this user alone. Throws HubError. */
export function makePrivateFolder(folder: string): void {
	try {
		makeFolder(folder);
	} catch (error) {
		const {path = folder} = error as NodeJS.ErrnoException;
		throw fileError(`The folder ${path} cannot be made`, error);
	}
}

/** Replaces the file as a whole, on disk, readable by this user alone. Throws HubError. */
export function writePrivateFile(path: string, text: string): void {
	makePrivateFolder(dirname(path));
	try {
		replaceFile(path, text);
	} catch (error) {
		throw fileError(`${path} cannot be written`, error);
	}
}

/** The object in a JSON file; null when there is no such file. Throws HubError, with that remedy, when it is no JSON object. */
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
		throw new HubError(`${path} is damaged: it holds no JSON.`, remedy, {cause});
	}
	throw new HubError(`${path} is damaged: it holds no JSON object.`, remedy);
}

function readTextFile(path: string): string | null {
	try {
		return readOwnFile(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw fileError(`${path} cannot be read`, error);
	}
}

const reasons: {readonly [code: string]: readonly [reason: string, remedy: string]} = {
	ENOENT: ['nothing can be made there', 'Choose another folder with AGENTMUX_HOME.'],
	ELOOP: ['it is a link, and may lead elsewhere', 'Move it away if you do not know how it came there, and try again.'],
	EISDIR: ['a folder stands where a file should be', 'Move it away, and try again.'],
	ENOTFILE: ['it is not an ordinary file', 'Move it away if you do not know how it came there, and try again.'],
	ENXIO: ['it is not an ordinary file', 'Move it away if you do not know how it came there, and try again.'],
	EACCES: ['permission is denied', 'Make it yours, or choose another folder with AGENTMUX_HOME.'],
	EPERM: ['permission is denied', 'Make it yours, or choose another folder with AGENTMUX_HOME.'],
	EROFS: ['the file system is read-only', 'Choose another folder with AGENTMUX_HOME.'],
	ENOSPC: ['the disk is full', 'Free some space, or choose another folder with AGENTMUX_HOME.'],
	EDQUOT: ['the disk quota is used up', 'Free some space, or choose another folder with AGENTMUX_HOME.'],
	ENOTDIR: ['a file stands where a folder should be', 'Move it away, or choose another folder with AGENTMUX_HOME.'],
	ENAMETOOLONG: ['its path is too long', 'Choose a shorter one with AGENTMUX_HOME.'],
	EEXIST: ['a file stands where a folder should be', 'Move it away, or choose another folder with AGENTMUX_HOME.'],
};

/** A sentence for a file that would not do, from the operating system's own code. */
export function fileError(what: string, cause: unknown): HubError {
	const {code = '', message} = cause as NodeJS.ErrnoException;
	const [reason, remedy] = reasons[code] ?? [message, 'Choose another folder with AGENTMUX_HOME.'];
	return new HubError(`${what}: ${reason}.`, remedy, {cause});
}
