import {readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {appendToOwnFile, makeFolder} from '../../hub/files/whole-file.ts';

export {writePrivate} from '../../hub/files/whole-file.ts';

/** The text of a file; null if it cannot be read. */
export function readPrivate(file: string): string | null {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return null;
	}
}

/** Appends a line to a file that only this user can read, creating its folder if needed. Throws Node's error. */
export function appendPrivate(file: string, line: string): void {
	makeFolder(path.dirname(file));
	appendToOwnFile(file, `${line}\n`);
}

export function removePrivate(file: string): void {
	rmSync(file, {force: true});
}
