import type {Json} from './json.ts';
import {foldTag} from './tag.ts';

/** What a human can sign. The kind is part of the signed bytes, so that one cannot be passed off as another. */
export type StatementKind = 'message' | 'approval' | 'redaction';

/** The signed content; docs/signatures.md defines each field for each kind. */
export interface Statement {
	readonly kind: StatementKind;
	/** The `mailbox_id`, so that a signature is not valid in another mailbox. */
	readonly mailbox_id: string;
	/** What it is about: for a message its `client_id`, which is unique. */
	readonly subject: string;
	/** The author, not the tag that the message is written under. */
	readonly tag: string;
	/** For a message the whole content, including the tag. */
	readonly content: string;
	readonly reply_to: number | null;
}

/** `meta.signature` of a message. Key, nonce and signature in base64url. */
export interface Signature {
	readonly v: 1;
	/** The public key, 32 bytes. */
	readonly key: string;
	/** 16 random bytes, so that signing the same words twice gives different signatures. */
	readonly nonce: string;
	/** Ed25519 over `signedBytes`, 64 bytes. */
	readonly sig: string;
}

/**
 * The state of a signature. `true`: valid, by a key that is trusted here. `unknown key`: valid, but the key is not trusted here.
 * `invalid`: it does not match the row.
 */
export type SignatureStatus = boolean | 'invalid' | 'unknown key';

const label = 'agentmux-signature-v1';
const encoder = new TextEncoder();

/**
 * The bytes to sign: each field as a netstring (its length in bytes, `:`, its bytes in UTF-8, `,`), so that no two statements have the
 * same bytes. Documented in docs/signatures.md; another encoding would be another version.
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

/** Parses a signature from `meta`; null if it is not one, or has another version. */
export function readSignature(value: Json | undefined): Signature | null {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
	const {v, key, nonce, sig} = value as {readonly [field: string]: Json | undefined};
	if (v !== 1 || typeof key !== 'string' || typeof nonce !== 'string' || typeof sig !== 'string') return null;
	const fits = isPublicKey(key) && nonce.length === 22 && sig.length === 86 && base64url.test(nonce + sig);
	return fits ? {v, key, nonce, sig} : null;
}
