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
import {HubError} from '../error.ts';

/** Undefined on Windows, where access lists decide that Node does not tell. */
const me = process.getuid?.();

/**
 * A folder of ours: this user's, and closed to all others. Returns what was mended, as a sentence, or null; throws HubError for
 * one that somebody else may have put there. A link is taken where this user made it, to a folder of his own.
 */
export function checkFolder(path: string): string | null {
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (me === undefined || found === undefined) return null;
	refuseForeign(path, found);
	const folder = found.isSymbolicLink() ? statSync(path, {throwIfNoEntry: false}) : found;
	if (folder === undefined) throw new HubError(`${path} is a link that leads nowhere.`, 'Remove it, and try again.');
	// Whoever makes what is missing says so in his own words.
	if (!folder.isDirectory()) return null;
	refuseForeign(path, folder);
	if ((folder.mode & 0o077) === 0) return null;
	chmodSync(path, 0o700);
	return mended(path, folder, '0700');
}

/**
 * A file of ours: an ordinary one under one name, this user's, and closed to all others. Returns what was mended, as a sentence,
 * or null; throws HubError for anything else. Never follows a link, and never waits.
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
	if (found.nlink > 1) throw planted(path, 'known under another name, too');
	if ((found.mode & 0o077) === 0) return null;
	const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	try {
		if (fstatSync(file).ino !== found.ino) return null;
		fchmodSync(file, 0o600);
	} finally {
		closeSync(file);
	}
	return mended(path, found, '0600');
}

/**
 * Refuses a folder above ours in which somebody else could put another folder in the place of ours, as StrictModes of sshd does:
 * one that a group or everybody may write to (unless it is sticky), or that belongs to another user than root. A user's own group,
 * which has his number, and the group of root are no others. Throws HubError; what is not there is no fault.
 */
export function checkAbove(path: string): void {
	const fault = faultAbove(path);
	if (fault !== null) throw new HubError(...fault);
}

/** What is wrong and what to do, in two sentences; null for a folder that nobody else may change. */
export function faultAbove(path: string): readonly [message: string, remedy: string] | null {
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (me === undefined || found === undefined) return null;
	const {uid, gid, mode} = found;
	const elsewhere = 'or choose another folder with AGENTMUX_HOME';
	if (uid !== me && uid !== 0) {
		return [
			`${path} belongs to another user (uid ${uid}), who could replace what agentmux keeps in it.`,
			`Make it yours with chown, ${elsewhere}.`,
		];
	}
	const isSticky = (mode & 0o1000) !== 0;
	if (!found.isDirectory() || isSticky) return null;
	if ((mode & 0o002) !== 0) {
		return [
			`Anyone on this machine may put other files into ${path}, where agentmux keeps what is yours.`,
			`Close it with \`chmod o-w ${path}\`, ${elsewhere}.`,
		];
	}
	if ((mode & 0o020) === 0 || gid === 0 || gid === me) return null;
	return [
		`Every user in the group ${gid} may put other files into ${path}, where agentmux keeps what is yours.`,
		`Close it with \`chmod g-w ${path}\`, ${elsewhere}.`,
	];
}

function refuseForeign(path: string, {uid}: Stats): void {
	if (uid === me) return;
	throw new HubError(
		`${path} belongs to another user (uid ${uid}).`,
		'Move it away if that user put it there; make it yours with chown if you know how it came about.',
	);
}

function planted(path: string, what: string): HubError {
	return new HubError(`${path} is ${what}.`, 'Move it away if you do not know how it came there, and try again.');
}

function mended(path: string, {mode}: Stats, now: string): string {
	const what = (mode & 0o022) === 0 ? 'read' : 'read and changed';
	return `Others could have ${what} ${path}; it is yours alone now (mode ${now}).`;
}
