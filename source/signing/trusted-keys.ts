import {statSync} from 'node:fs';
import {MailboxError} from '../mailbox/error.ts';
import {isPublicKey} from '../mailbox/signature.ts';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {publicFile, readOwnFile, trustFile, writeOwnFile} from './key-folder.ts';

/** A public key, and the tag it may sign for. */
interface TrustedKey {
	readonly key: string;
	readonly tag: Tag;
	/** ISO 8601. */
	readonly since: string;
}

/** The keys trusted here. They are kept in files of this home; nothing in a database adds to them. */
export interface Trust {
	/** This home's own key, under whichever tag its human writes; null before the first use. */
	readonly own: string | null;
	readonly others: readonly TrustedKey[];
}

/** Reads what is trusted. Throws MailboxError `file` for a file that cannot be read or is damaged. */
export function readTrust(data: string): Trust {
	const own = readOwnFile(publicFile(data))?.trim() ?? '';
	return {own: isPublicKey(own) ? own : null, others: readOthers(data)};
}

/** Whether a key speaks for a tag here. */
export function isTrusted({own, others}: Trust, key: string, tag: Tag): boolean {
	return key === own || others.some(other => other.key === key && sameTag(other.tag, tag));
}

/** Adds a key for a tag, or moves it to that tag. */
export function trustKey(data: string, key: string, tag: Tag, now: Date): void {
	const others = readOthers(data).filter(other => other.key !== key);
	writeOthers(data, [...others, {key, tag, since: now.toISOString()}]);
}

/** Removes a key; false if it was not there. */
export function forgetKey(data: string, key: string): boolean {
	const others = readOthers(data);
	const left = others.filter(other => other.key !== key);
	if (left.length < others.length) writeOthers(data, left);
	return left.length < others.length;
}

/** Changes when one of the files does. */
export function trustStamp(data: string): string {
	return [publicFile(data), trustFile(data)]
		.map(path => {
			const found = statSync(path, {throwIfNoEntry: false});
			return found === undefined ? '-' : `${found.mtimeMs} ${found.ino} ${found.size}`;
		})
		.join();
}

function readOthers(data: string): TrustedKey[] {
	const path = trustFile(data);
	const text = readOwnFile(path);
	if (text === null) return [];
	try {
		const {keys} = JSON.parse(text) as {readonly keys: readonly TrustedKey[]};
		const whole = keys.every(({key, tag, since}) => isPublicKey(key) && isTag(tag) && typeof since === 'string');
		if (whole) return [...keys];
	} catch {
		// Said below.
	}
	throw new MailboxError(
		'file',
		`${path} is damaged.`,
		'Move it away, and trust the keys again with `agentmux keys trust`.',
	);
}

function writeOthers(data: string, keys: readonly TrustedKey[]): void {
	writeOwnFile(trustFile(data), `${JSON.stringify({v: 1, keys}, null, '\t')}\n`);
}
