import {statSync} from 'node:fs';
import {MailboxError} from '../mailbox/error.ts';
import {isPublicKey} from '../mailbox/signature.ts';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {publicFile, readKeyFile, trustFile, writeKeyFile} from './key-folder.ts';

/** A public key, and the tag that it may sign for. */
interface TrustedKey {
	readonly key: string;
	readonly tag: Tag;
	/** ISO 8601. */
	readonly since: string;
}

/** The trusted keys. They are stored in files of this home; nothing in a database can add to them. */
export interface Trust {
	/** This home's key, which is valid for any tag; null before the first use. */
	readonly own: string | null;
	readonly others: readonly TrustedKey[];
}

/** Reads the trusted keys. Throws MailboxError `file` if a file cannot be read or is damaged. */
export function readTrust(data: string): Trust {
	const own = readKeyFile(publicFile(data))?.trim() ?? '';
	return {own: isPublicKey(own) ? own : null, others: readOthers(data)};
}

/** Whether a key is trusted to sign for a tag. */
export function isTrusted({own, others}: Trust, key: string, tag: Tag): boolean {
	return key === own || others.some(other => other.key === key && sameTag(other.tag, tag));
}

/** Trusts a key for a tag, and no longer for the one it was trusted for before. */
export function trustKey(data: string, key: string, tag: Tag, now: Date): void {
	const others = readOthers(data).filter(other => other.key !== key);
	writeOthers(data, [...others, {key, tag, since: now.toISOString()}]);
}

/** Removes a key; returns false if it was not there. */
export function forgetKey(data: string, key: string): boolean {
	const others = readOthers(data);
	const left = others.filter(other => other.key !== key);
	if (left.length < others.length) writeOthers(data, left);
	return left.length < others.length;
}

/** A string that changes when one of the files changes. */
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
	const text = readKeyFile(path);
	if (text === null) return [];
	try {
		const {keys} = JSON.parse(text) as {readonly keys: readonly TrustedKey[]};
		const whole = keys.every(({key, tag, since}) => isPublicKey(key) && isTag(tag) && typeof since === 'string');
		if (whole) return [...keys];
	} catch {
		// Reported below.
	}
	throw new MailboxError(
		'file',
		`${path} is damaged.`,
		'Move it away, and trust the keys again with `agentmux keys trust`.',
	);
}

function writeOthers(data: string, keys: readonly TrustedKey[]): void {
	writeKeyFile(trustFile(data), `${JSON.stringify({v: 1, keys}, null, '\t')}\n`);
}
