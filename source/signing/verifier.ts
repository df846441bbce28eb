import type {Json} from '../mailbox/json.ts';
import type {MessageRow} from '../mailbox/message.ts';
import {redactionOf} from '../mailbox/redaction.ts';
import {readSignature, type SignatureStatus, type Statement} from '../mailbox/signature.ts';
import {isValidSignature} from './ed25519.ts';
import {isTrusted, readTrust, trustStamp, type Trust} from './trusted-keys.ts';

/** The parts of a message that a signature covers, and the signature. */
export type Signable = Pick<
	MessageRow,
	'id' | 'client_id' | 'tag' | 'author_tag' | 'content' | 'body' | 'reply_to' | 'meta'
>;

export type Verify = (message: Signable, mailboxId: string) => SignatureStatus;

/** Milliseconds between two checks for changed files of trusted keys. */
const checkInterval = 1000;

/**
 * Verifies signatures of messages with the keys trusted in the home with this data folder. It notices changes of these files
 * while it runs. If they cannot be read, no key is trusted.
 */
export function createVerifier(data: string): Verify {
	let trust: Trust | null = null;
	let stamp = '';
	let checkedAt = -Infinity;
	const trusted = (): Trust => {
		// `performance` would load node:perf_hooks.
		const now = process.uptime() * 1000;
		if (trust !== null && now - checkedAt < checkInterval) return trust;
		checkedAt = now;
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
		if (signature === null || statement === null || !isValidSignature(signature, statement)) return 'invalid';
		return isTrusted(trusted(), signature.key, statement.tag) ? true : 'unknown key';
	};
}

interface Claim {
	readonly given: Json | undefined;
	/** The statement that must have been signed; null if the message cannot be signed. */
	readonly statement: Statement | null;
}

/** In a redacted message the redaction is signed, since the text is gone. */
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
