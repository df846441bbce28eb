import {appendFileSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '../hub/whole-file.ts';

/** The text of a file; null when there is none, or it cannot be read. */
export function readPrivate(file: string): string | null {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return null;
	}
}

/** Replaces a file as a whole, readable by this user alone; its folder is made where there is none. Throws Node's error. */
export function writePrivate(file: string, text: string): void {
	mkdirSync(path.dirname(file), {recursive: true, mode: 0o700});
	replaceFile(file, text);
}

/** Adds a line to such a file. Throws Node's error. */
export function appendPrivate(file: string, line: string): void {
	mkdirSync(path.dirname(file), {recursive: true, mode: 0o700});
	appendFileSync(file, `${line}\n`, {mode: 0o600});
}

export function removePrivate(file: string): void {
	rmSync(file, {force: true});
}
