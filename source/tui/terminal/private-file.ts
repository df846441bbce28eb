import {appendFileSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {makeFolder} from '../../hub/files/whole-file.ts';

export {writePrivate} from '../../hub/files/whole-file.ts';

/** The text of a file; null when there is none, or it cannot be read. */
export function readPrivate(file: string): string | null {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return null;
	}
}

/** Adds a line to a file that this user alone can read; its folder is made where there is none. Throws Node's error. */
export function appendPrivate(file: string, line: string): void {
	makeFolder(path.dirname(file));
	appendFileSync(file, `${line}\n`, {mode: 0o600});
}

export function removePrivate(file: string): void {
	rmSync(file, {force: true});
}
