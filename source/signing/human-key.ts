import {rmSync} from 'node:fs';
import {MailboxError} from '../mailbox/error.ts';
import {isPublicKey} from '../mailbox/signature.ts';
import type {Tag} from '../mailbox/tag.ts';
import {isKeyPair, makeKeyPair, type KeyPair} from './ed25519.ts';
import {publicFile, readKeyFile, secretFile, writeKeyFile} from './key-folder.ts';
import type {Keyring} from './keyring.ts';
import {readTrust, trustKey} from './trusted-keys.ts';

/** Where the key of this home is stored. */
export interface KeyStore {
	/** The home's data folder. */
	readonly data: string;
	/** Holds the secret; null: a file in `data` does, which only this user can read. */
	readonly keyring: Keyring | null;
}

/**
 * The key that signs what the human of this home writes; it is generated at the first use. Rejects with MailboxError: `file` or
 * `unauthorized` if it cannot be read, `conflict` if it is missing while its public key is there.
 */
export async function humanKey(store: KeyStore): Promise<KeyPair> {
	const {own} = readTrust(store.data);
	const found = await findKey(store);
	if (found !== null) {
		if (own !== found.x) publish(store.data, found);
		return found;
	}
	if (own !== null) {
		throw new MailboxError(
			'conflict',
			`The key that signs what you write is missing from ${store.keyring === null ? secretFile(store.data) : 'the keyring'}, but ${publicFile(store.data)} exists.`,
			'Restore the key, or create another one with `agentmux keys new`.',
		);
	}
	return keepKey(store, makeKeyPair(), true);
}

/** Generates a new key. The old one stays trusted, so that its signatures still count. */
export async function renewKey(store: KeyStore, tag: Tag, now: Date): Promise<KeyPair> {
	const {own} = readTrust(store.data);
	const pair = await keepKey(store, makeKeyPair(), false);
	if (own !== null) trustKey(store.data, own, tag, now);
	return pair;
}

/** Reads the key. If the configuration now says keyring, a key in the file is moved there. */
async function findKey({data, keyring}: KeyStore): Promise<KeyPair | null> {
	const path = secretFile(data);
	const text = readKeyFile(path);
	const inFile = text === null ? null : readPair(text, path);
	if (keyring === null) return inFile;
	const secret = await keyring.read(accountOf(data));
	if (secret !== null) return readPair(secret, 'The keyring');
	if (inFile === null) return null;
	await keyring.write(accountOf(data), textOf(inFile));
	rmSync(path, {force: true});
	return inFile;
}

async function keepKey({data, keyring}: KeyStore, pair: KeyPair, first: boolean): Promise<KeyPair> {
	if (keyring !== null) {
		await keyring.write(accountOf(data), textOf(pair));
	} else if (!writeKeyFile(secretFile(data), `${textOf(pair)}\n`, {first})) {
		// Another process was first.
		const theirs = await findKey({data, keyring});
		if (theirs !== null) return theirs;
	}
	publish(data, pair);
	return pair;
}

function publish(data: string, {x}: KeyPair): void {
	writeKeyFile(publicFile(data), `${x}\n`);
}

/** Each home has its own key. The folder distinguishes them in the user's keyring. */
function accountOf(data: string): string {
	return `human-key ${Buffer.from(data).toString('base64url')}`;
}

function textOf({x, d}: KeyPair): string {
	return JSON.stringify({v: 1, kty: 'OKP', crv: 'Ed25519', x, d});
}

function readPair(text: string, where: string): KeyPair {
	try {
		const {x, d} = JSON.parse(text) as {readonly x?: unknown; readonly d?: unknown};
		if (typeof x === 'string' && typeof d === 'string' && isPublicKey(x) && isKeyPair({x, d})) return {x, d};
	} catch {
		// Reported below.
	}
	throw new MailboxError(
		'file',
		`${where} is damaged: it does not contain a valid signing key.`,
		'Restore it, or create another one with `agentmux keys new`.',
	);
}
