import {lstatSync, mkdirSync} from 'node:fs';

/**
 * Why others could put something into the folder or take it away, as the end of a sentence that begins with its path; null when
 * only this user can: it is his, not a link, and closed to all others. Never throws. On Windows the access lists of the user's
 * profile decide, which Node does not tell.
 */
export function folderFault(folder: string): string | null {
	const stats = lstatSync(folder, {throwIfNoEntry: false});
	if (stats === undefined) return 'is missing';
	if (!stats.isDirectory()) return stats.isSymbolicLink() ? 'is a link' : 'is not a folder';
	const me = process.getuid?.();
	if (me === undefined) return null;
	if (stats.uid !== me) return `belongs to another user (uid ${stats.uid})`;
	return (stats.mode & 0o077) === 0 ? null : `is open to other users (mode ${(stats.mode & 0o7777).toString(8)})`;
}

/** Makes the folder when it is missing (not those above it); what folderFault says of it then. */
export function makeFolder(folder: string): string | null {
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch {
		// It is there already, or cannot be made: the next line tells.
	}
	return folderFault(folder);
}
