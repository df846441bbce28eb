import type {Json} from './json.ts';
import {foldTag} from './tag.ts';

/** What a human can put a name to. The kind is part of what is signed, so that none can pass for another. */
export type StatementKind = 'message' | 'approval' | 'redaction';

/** What a signature is about; docs/signatures.md says what stands in each field for each kind. */
export interface Statement {
	readonly kind: StatementKind;
	/** `mailbox_id` of the mailbox: what was said in one mailbox says nothing in another. */
	readonly mailbox_id: string;
	/** What is spoken of: of a message its `client_id`, which no second row can have. */
	readonly subject: string;
	/** Who says it: the author, and not the tag that the message stands under. */
	readonly tag: string;
	/** Of a message the whole content, its tag included. */
	readonly content: string;
	readonly reply_to: number | null;
}

/** `meta.signature` of a message. Key, nonce and signature in base64url. */
export interface Signature {
	readonly v: 1;
	/** The public key, 32 bytes. */
	readonly key: string;
	/** 16 random bytes: the same words signed twice are two signatures. */
	readonly nonce: string;
	/** Ed25519 over `signedBytes`, 64 bytes. */
	readonly sig: string;
}

/**
 * What came of looking at a signature: true where a key that is trusted here says so. `unknown key`: it fits, and nobody here
 * trusts the key. `invalid`: it does not fit what the row says.
 */
export type Signed = boolean | 'invalid' | 'unknown key';

const label = 'agentmux-signature-v1';
const encoder = new TextEncoder();

/**
 * What is signed: each field as a netstring (its length in bytes, `:`, its bytes in UTF-8, `,`), one after the other, so that no
 * two statements have the same bytes. Documented in docs/signatures.md; another encoding is another version.
 */
export function signedBytes(statement: Statement, nonce: string): Uint8Array {
	const {kind, mailbox_id, subject, tag, content, reply_to} = statement;
	const fields = [
		label,
		kind,
		mailbox_id.toLowerCase(),
		subject.toLowerCase(),
		foldTag(tag),
		content,
		reply_to === null ? '' : String(reply_to),
		nonce,
	];
	return encoder.encode(fields.map(field => `${encoder.encode(field).length}:${field},`).join(''));
}

const base64url = /^[A-Za-z0-9_-]+$/;

/** Whether a text is a public key: 32 bytes in base64url. */
export function isPublicKey(text: string): boolean {
	return text.length === 43 && base64url.test(text);
}

/** A signature as it stands in `meta`; null for what is none, or of another version. */
export function readSignature(value: Json | undefined): Signature | null {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
	const {v, key, nonce, sig} = value as {readonly [field: string]: Json | undefined};
	if (v !== 1 || typeof key !== 'string' || typeof nonce !== 'string' || typeof sig !== 'string') return null;
	const fits = isPublicKey(key) && nonce.length === 22 && sig.length === 86 && base64url.test(nonce + sig);
	return fits ? {v, key, nonce, sig} : null;
}
