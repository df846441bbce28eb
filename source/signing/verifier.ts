import type {MessageRow} from '../mailbox/message.ts';
import {readSignature, type Signed} from '../mailbox/signature.ts';
import {fits} from './ed25519.ts';
import {isTrusted, readTrust, trustStamp, type Trust} from './trusted-keys.ts';

/** What of a message is signed, and the signature. */
export type Signable = Pick<MessageRow, 'client_id' | 'tag' | 'author_tag' | 'content' | 'reply_to' | 'meta'>;

export type Verify = (message: Signable, mailboxId: string) => Signed;

/** Milliseconds for which the files of what is trusted are not looked at again. */
const pace = 1000;

/**
 * Looks at the signatures of messages by what is trusted in the home whose data folder this is; a key that is trusted later
 * counts for what is looked at later. Files that cannot be read trust nobody.
 */
export function createVerifier(data: string): Verify {
	let trust: Trust | null = null;
	let stamp = '';
	let lookedAt = -Infinity;
	const trusted = (): Trust => {
		const now = performance.now();
		if (trust !== null && now - lookedAt < pace) return trust;
		lookedAt = now;
		try {
			const found = trustStamp(data);
			if (trust === null || found !== stamp) trust = readTrust(data);
			stamp = found;
		} catch {
			trust = {own: null, others: []};
		}
		return trust;
	};
	return (message, mailboxId) => {
		const given = message.meta['signature'];
		if (given === undefined || given === null) return false;
		const {client_id, content, reply_to} = message;
		const signature = readSignature(given);
		const tag = message.author_tag ?? message.tag;
		if (signature === null || client_id === null) return 'invalid';
		const statement = {kind: 'message', mailbox_id: mailboxId, subject: client_id, tag, content, reply_to} as const;
		if (!fits(signature, statement)) return 'invalid';
		return isTrusted(trusted(), signature.key, tag) ? true : 'unknown key';
	};
}
