import {chmodSync, lstatSync, readFileSync, statSync} from 'node:fs';
import {HubError} from '../files/error.ts';
import {above} from './above.ts';
import {checkAbove} from './entry.ts';

/** A key, an access token, or an address with a password in it. */
const secret = /^\s*"?\w*(key|access_token)"?\s*=|:\/\/[^\s/@:]*:[^\s/@]+@/m;

/**
 * Checks the config file. It may be a link, but no other user may be able to change it, or to read it if it contains a key. Returns a
 * sentence if it was repaired, otherwise null; throws HubError.
 */
export function checkConfig(path: string): string | null {
	const me = process.getuid?.();
	const found = statSync(path, {throwIfNoEntry: false});
	if (found === undefined && lstatSync(path, {throwIfNoEntry: false}) !== undefined) {
		throw new HubError(
			`The config file ${path} is a link that leads nowhere.`,
			'Create the file that it leads to, or remove the link.',
		);
	}
	if (me === undefined || found === undefined || found.isDirectory()) return null;
	for (const folder of above(path)) checkAbove(folder);
	if (!found.isFile()) {
		throw new HubError(`The config file ${path} is not an ordinary file.`, 'Replace it with one, or remove it.');
	}
	const isOpen = (found.mode & 0o022) !== 0 || ((found.mode & 0o044) !== 0 && secret.test(readFileSync(path, 'utf8')));
	if (found.uid !== me && (found.uid !== 0 || isOpen)) {
		throw new HubError(
			`The config file ${path} belongs to another user (uid ${found.uid}).`,
			'Move it away if that user put it there; if you know the reason, make it yours with chown.',
		);
	}
	if (!isOpen) return null;
	chmodSync(path, 0o600);
	return `Other users could have read or changed ${path}; it is private now (mode 0600).`;
}
