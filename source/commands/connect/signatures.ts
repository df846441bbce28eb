import type {Config} from '../../config.ts';
import type {Signatures} from '../../mailbox/signatures.ts';
import {signStatement, type KeyPair} from '../../signing/ed25519.ts';
import {humanKey, type KeyStore} from '../../signing/human-key.ts';
import {createVerifier} from '../../signing/verifier.ts';

/** Where this home's key is kept, according to the configuration. Rejects with MailboxError if there is no such keyring. */
export async function keyStoreOf(
	{paths: {data}, keyStore}: Pick<Config, 'paths' | 'keyStore'>,
	env: NodeJS.ProcessEnv,
): Promise<KeyStore> {
	if (keyStore === 'file') return {data, keyring: null};
	const {systemKeyring} = await import('../../signing/keyring.ts');
	return {data, keyring: systemKeyring(process.platform, env)};
}

/**
 * Verifies signatures by the keys that this home trusts, and signs what a human writes. The key is fetched at the first signature;
 * a keyring may ask for permission then.
 */
export function signaturesFor(config: Config, kind: 'human' | 'agent', env: NodeJS.ProcessEnv): Signatures {
	const verify = createVerifier(config.paths.data);
	if (kind !== 'human') return {verify, sign: null};
	let key: Promise<KeyPair> | null = null;
	return {
		verify,
		async sign(statement) {
			key ??= keyStoreOf(config, env).then(humanKey);
			try {
				return signStatement(await key, statement);
			} catch (error) {
				// If the keyring's question was dismissed, ask again next time.
				key = null;
				throw error;
			}
		},
	};
}
