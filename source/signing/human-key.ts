import {rmSync} from 'node:fs';
import {MailboxError} from '../mailbox/error.ts';
import {isPublicKey} from '../mailbox/signature.ts';
import type {Tag} from '../mailbox/tag.ts';
import {isKeyPair, makeKeyPair, type KeyPair} from './ed25519.ts';
import {publicFile, readOwnFile, secretFile, writeOwnFile} from './key-folder.ts';
import type {Keyring} from './keyring.ts';
import {readTrust, trustKey} from './trusted-keys.ts';

/** Where this home's key is: its data folder, and the keyring where that has the secret. */
export interface KeyStore {
	readonly data: string;
	/** Null: a file that only this user can read. */
	readonly keyring: Keyring | null;
}

/**
 * The key that signs what the human of this home writes; made at the first use. Rejects with MailboxError: `file` or
 * `unauthorized` where it cannot be had, `conflict` where it is gone and its public half is not.
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
			`The key that signs what you write is not in ${store.keyring === null ? secretFile(store.data) : 'the keyring'}, and ${publicFile(store.data)} says that there was one.`,
			'Put it back, or make another with `agentmux keys new`.',
		);
	}
	return keepKey(store, makeKeyPair(), true);
}

/** Makes a new key. The old one stays trusted, so that what it signed still counts. */
export async function renewKey(store: KeyStore, tag: Tag, now: Date): Promise<KeyPair> {
	const {own} = readTrust(store.data);
	const pair = await keepKey(store, makeKeyPair(), false);
	if (own !== null) trustKey(store.data, own, tag, now);
	return pair;
}

/** A key in the file moves into the keyring where the configuration now says so. */
async function findKey({data, keyring}: KeyStore): Promise<KeyPair | null> {
	const path = secretFile(data);
	const text = readOwnFile(path);
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
	} else if (!writeOwnFile(secretFile(data), `${textOf(pair)}\n`, {first})) {
		// Another process was first.
		const theirs = await findKey({data, keyring});
		if (theirs !== null) return theirs;
	}
	publish(data, pair);
	return pair;
}

function publish(data: string, {x}: KeyPair): void {
	writeOwnFile(publicFile(data), `${x}\n`);
}

/** One home, one key: the folder tells them apart in a keyring that all share. */
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
		// Said below.
	}
	throw new MailboxError(
		'file',
		`${where} holds no key that signs: it is damaged.`,
		'Put it back, or make another with `agentmux keys new`.',
	);
}
