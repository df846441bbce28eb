import {chmodSync, lstatSync, readFileSync, statSync} from 'node:fs';
import {HubError} from '../files/error.ts';
import {above} from './above.ts';
import {checkAbove} from './entry.ts';

/** A key, an access token, or an address with a password in it. */
const secret = /^\s*"?\w*(key|access_token)"?\s*=|:\/\/[^\s/@:]*:[^\s/@]+@/m;

/**
 * Checks the config file. It may be a link to where the user keeps it, but no other user may be able to change it, or to read it if
 * it holds a key. Returns what was mended, or null; throws HubError.
 */
export function checkConfig(path: string): string | null {
	const me = process.getuid?.();
	const found = statSync(path, {throwIfNoEntry: false});
	if (found === undefined && lstatSync(path, {throwIfNoEntry: false}) !== undefined) {
		throw new HubError(
			`The config file ${path} is a link that leads nowhere.`,
			'Make the file that it leads to, or remove the link.',
		);
	}
	if (me === undefined || found === undefined || found.isDirectory()) return null;
	for (const folder of above(path)) checkAbove(folder);
	if (!found.isFile()) {
		throw new HubError(`The config file ${path} is not an ordinary file.`, 'Make it one, or remove it.');
	}
	const isOpen = (found.mode & 0o022) !== 0 || ((found.mode & 0o044) !== 0 && secret.test(readFileSync(path, 'utf8')));
	if (found.uid !== me && (found.uid !== 0 || isOpen)) {
		throw new HubError(
			`The config file ${path} belongs to another user (uid ${found.uid}).`,
			'Move it away if that user put it there; make it yours with chown if you know how it came about.',
		);
	}
	if (!isOpen) return null;
	chmodSync(path, 0o600);
	return `Others could have read or changed ${path}; it is yours alone now (mode 0600).`;
}
