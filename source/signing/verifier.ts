import type {Json} from '../mailbox/json.ts';
import type {MessageRow} from '../mailbox/message.ts';
import {redactionOf} from '../mailbox/redaction.ts';
import {readSignature, type Signed, type Statement} from '../mailbox/signature.ts';
import {fits} from './ed25519.ts';
import {isTrusted, readTrust, trustStamp, type Trust} from './trusted-keys.ts';

/** What of a message is signed, and the signature. */
export type Signable = Pick<
	MessageRow,
	'id' | 'client_id' | 'tag' | 'author_tag' | 'content' | 'body' | 'reply_to' | 'meta'
>;

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
		const {given, statement} = claimOf(message, mailboxId);
		if (given === undefined || given === null) return false;
		const signature = readSignature(given);
		if (signature === null || statement === null || !fits(signature, statement)) return 'invalid';
		return isTrusted(trusted(), signature.key, statement.tag) ? true : 'unknown key';
	};
}

interface Claim {
	readonly given: Json | undefined;
	/** What it must be of; null: of nothing that could be signed. */
	readonly statement: Statement | null;
}

/** Of a redacted message the redaction is what is signed: of its text nothing is left to be compared. */
function claimOf(message: Signable, mailbox_id: string): Claim {
	const {id, client_id, content, reply_to} = message;
	const redaction = redactionOf(message);
	if (redaction !== null) {
		const {by, reason, signature} = redaction;
		const words = {kind: 'redaction', mailbox_id, subject: String(id), content: reason ?? '', reply_to: null} as const;
		return {given: signature, statement: by === null ? null : {...words, tag: by}};
	}
	const tag = message.author_tag ?? message.tag;
	const words = {kind: 'message', mailbox_id, tag, content, reply_to} as const;
	return {given: message.meta['signature'], statement: client_id === null ? null : {...words, subject: client_id}};
}
