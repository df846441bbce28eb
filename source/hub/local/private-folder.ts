import {lstatSync, mkdirSync} from 'node:fs';

/**
 * Whether only this user can put something into the folder or take it away: it is his, no link, and closed to all others.
 * Never throws. On Windows the access lists of the user's profile decide, which Node does not tell.
 */
export function isPrivateFolder(folder: string): boolean {
	const stats = lstatSync(folder, {throwIfNoEntry: false});
	if (stats === undefined || !stats.isDirectory()) return false;
	const me = process.getuid?.();
	return me === undefined || (stats.uid === me && (stats.mode & 0o077) === 0);
}

/** Makes the folder when it is missing (not those above it); whether it is private then. */
export function havePrivateFolder(folder: string): boolean {
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch {
		// It is there already, or cannot be made: the next line tells.
	}
	return isPrivateFolder(folder);
}
