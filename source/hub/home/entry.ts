import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	lstatSync,
	openSync,
	statSync,
	type Stats,
} from 'node:fs';
import {HubError} from '../files/error.ts';

/** Undefined on Windows, where access depends on access control lists, which Node does not report. */
const me = process.getuid?.();

/**
 * Checks that one of our folders belongs to this user and is closed to others. Returns a sentence if it was repaired, otherwise null;
 * throws HubError for a folder that another user may have put there. A link is accepted if this user owns it and the folder.
 */
export function checkFolder(path: string): string | null {
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (me === undefined || found === undefined) return null;
	refuseForeign(path, found);
	const folder = found.isSymbolicLink() ? statSync(path, {throwIfNoEntry: false}) : found;
	if (folder === undefined) throw new HubError(`${path} is a link that leads nowhere.`, 'Remove it, and try again.');
	// The caller that makes missing folders has its own error for this.
	if (!folder.isDirectory()) return null;
	refuseForeign(path, folder);
	if ((folder.mode & 0o077) === 0) return null;
	chmodSync(path, 0o700);
	return repaired(path, folder, '0700');
}

/**
 * Checks that one of our files is an ordinary file without other names, belongs to this user, and is closed to others. Returns a
 * sentence if it was repaired, otherwise null; throws HubError for anything else. Never follows a link, and never blocks.
 */
export function checkFile(path: string): string | null {
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (me === undefined || found === undefined) return null;
	refuseForeign(path, found);
	// The hub's own socket.
	if (found.isSocket()) return null;
	const what = found.isSymbolicLink()
		? 'a link, and may lead elsewhere'
		: found.isFile()
			? null
			: 'not an ordinary file';
	if (what !== null) throw planted(path, what);
	if (found.nlink > 1) throw planted(path, 'a file with another name (a hard link)');
	if ((found.mode & 0o077) === 0) return null;
	const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	try {
		if (fstatSync(file).ino !== found.ino) return null;
		fchmodSync(file, 0o600);
	} finally {
		closeSync(file);
	}
	return repaired(path, found, '0600');
}

/**
 * Rejects a parent folder in which another user could replace our folder, as sshd's StrictModes does: one that a group or everybody
 * can write to (unless it is sticky), or that belongs to another user (unless that is root). The user's private group (with the user's
 * id), the group of root, and a folder that does not exist are accepted. Throws HubError.
 */
export function checkAbove(path: string): void {
	const fault = faultAbove(path);
	if (fault !== null) throw new HubError(...fault);
}

/** What is wrong with the folder and what to do, in two sentences; null if no other user can change it. */
export function faultAbove(path: string): readonly [message: string, remedy: string] | null {
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (me === undefined || found === undefined) return null;
	const {uid, gid, mode} = found;
	const elsewhere = 'or choose another folder with AGENTMUX_HOME';
	if (uid !== me && uid !== 0) {
		return [
			`${path} belongs to another user (uid ${uid}), who could replace agentmux's files in it.`,
			`Make it yours with chown, ${elsewhere}.`,
		];
	}
	const isSticky = (mode & 0o1000) !== 0;
	if (!found.isDirectory() || isSticky) return null;
	if ((mode & 0o002) !== 0) {
		return [
			`Every user of this machine can replace agentmux's files in ${path}.`,
			`Close it with \`chmod o-w ${path}\`, ${elsewhere}.`,
		];
	}
	if ((mode & 0o020) === 0 || gid === 0 || gid === me) return null;
	return [
		`Every user in the group ${gid} can replace agentmux's files in ${path}.`,
		`Close it with \`chmod g-w ${path}\`, ${elsewhere}.`,
	];
}

function refuseForeign(path: string, {uid}: Stats): void {
	if (uid === me) return;
	throw new HubError(
		`${path} belongs to another user (uid ${uid}).`,
		'Move it away if that user put it there; if you know the reason, make it yours with chown.',
	);
}

function planted(path: string, what: string): HubError {
	return new HubError(`${path} is ${what}.`, 'Move it away if you did not put it there, and try again.');
}

function repaired(path: string, {mode}: Stats, now: string): string {
	const what = (mode & 0o022) === 0 ? 'read' : 'read and changed';
	return `Other users could have ${what} ${path}; it is private now (mode ${now}).`;
}
