import {lstatSync, mkdirSync} from 'node:fs';

/**
 * Why other users could add or remove files in the folder, as the end of a sentence that begins with its path; null if only this user
 * can: the folder is his, not a link, and closed to others. Never throws. On Windows the access lists of the user's profile decide,
 * which Node does not report.
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

/** Makes the folder if it is missing (but not its parents), and returns its folderFault. */
export function makeFolder(folder: string): string | null {
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch {
		// It exists, or cannot be made: the next line finds out.
	}
	return folderFault(folder);
}
