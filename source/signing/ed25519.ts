import type {KeyObject} from 'node:crypto';
import {signedBytes, type Signature, type Statement} from '../mailbox/signature.ts';

/** A key pair as a JSON Web Key (RFC 8037): `d` is the secret, `x` the public key. */
export interface KeyPair {
	readonly x: string;
	readonly d: string;
}

/** Loaded at the first use, because most hooks have no signature to check. */
function crypto() {
	return process.getBuiltinModule('node:crypto');
}

/** A new key pair. */
export function makeKeyPair(): KeyPair {
	const {x = '', d = ''} = crypto().generateKeyPairSync('ed25519').privateKey.export({format: 'jwk'});
	return {x, d};
}

/** Whether `d` really is the secret of `x`. */
export function isKeyPair({x, d}: KeyPair): boolean {
	try {
		return crypto().createPublicKey(privateKey({x, d})).export({format: 'jwk'}).x === x;
	} catch {
		return false;
	}
}

/** The last one, since a pair is usually checked and then signs. */
let prepared: {readonly pair: KeyPair; readonly key: KeyObject} | null = null;

function privateKey({x, d}: KeyPair): KeyObject {
	if (prepared?.pair.x !== x || prepared.pair.d !== d) {
		const key = crypto().createPrivateKey({key: {kty: 'OKP', crv: 'Ed25519', x, d}, format: 'jwk'});
		prepared = {pair: {x, d}, key};
	}
	return prepared.key;
}

/** Signs a statement. Throws if it is not a key pair. */
export function signStatement(pair: KeyPair, statement: Statement): Signature {
	const {randomBytes, sign} = crypto();
	const nonce = randomBytes(16).toString('base64url');
	const sig = sign(null, signedBytes(statement, nonce), privateKey(pair)).toString('base64url');
	return {v: 1, key: pair.x, nonce, sig};
}

/** Whether the signature of the statement is valid for the key that it names. Does not check whose key that is. */
export function isValidSignature(signature: Signature, statement: Statement): boolean {
	const {createPublicKey, verify} = crypto();
	try {
		const key = createPublicKey({key: {kty: 'OKP', crv: 'Ed25519', x: signature.key}, format: 'jwk'});
		return verify(null, signedBytes(statement, signature.nonce), key, Buffer.from(signature.sig, 'base64url'));
	} catch {
		// The 32 bytes are not a point on the curve.
		return false;
	}
}
