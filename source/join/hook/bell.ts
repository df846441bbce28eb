import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {appendToOwnFile, rewriteOwnFile} from '../../hub/files/whole-file.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';

/**
 * The file that an agent's idle clients watch on this machine. A change starts their FileChanged hook, which wakes them if there is
 * mail. `state` is the state folder.
 */
export function bellFile(state: string, tag: Tag): string {
	return join(state, 'bells', foldTag(tag));
}

/** Creates it if it is missing, because some systems can only watch an existing file. */
export function createBell(path: string): void {
	mkdirSync(dirname(path), {recursive: true, mode: 0o700});
	appendToOwnFile(path, '');
}

/** Changes the file to wake the clients. It must be written in place: a replaced file would not be the watched one. */
export function ringBell(path: string): void {
	mkdirSync(dirname(path), {recursive: true, mode: 0o700});
	rewriteOwnFile(path, `${new Date().toISOString()}\n`);
}

/** A file beside the bell that exists while mail is known to wait: a hook that finds it may take longer. Tags contain no dots. */
function flagFile(bell: string): string {
	return `${bell}.waits`;
}

/** Raises or lowers that flag. Ignores errors, because it only saves time. */
export function flagMail(bell: string, waits: boolean): void {
	try {
		if (isFlagged(bell) === waits) return;
		if (waits) createBell(flagFile(bell));
		else rmSync(flagFile(bell), {force: true});
	} catch {
		// The disk may be full.
	}
}

export function isFlagged(bell: string): boolean {
	return existsSync(flagFile(bell));
}
