import {lstatSync, mkdirSync} from 'node:fs';

/**
 * Why other users could add or remove files in the folder, as the end of a sentence that begins with its path. Null if only this user
 * can: the user owns the folder, and it is not a link and closed to others. Never throws. On Windows, access depends on the access
 * control lists of the user's profile, which Node does not report.
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

/** Creates the folder, but not its parents, if it is missing. Returns its folderFault. */
export function makeFolder(folder: string): string | null {
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch {
		// It exists or cannot be created; folderFault tells which.
	}
	return folderFault(folder);
}
