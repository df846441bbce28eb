import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPaths} from '../files/paths.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {signToken} from './token.ts';

/** The contents of data/keys.json. */
export interface HubKeys {
	/** Signs every token with HS256. */
	readonly jwt_secret: string;
	/** Tokens that never expire, for the roles anon and service_role, like Supabase's API keys. */
	readonly anon_key: string;
	readonly service_role_key: string;
}

/** Null if no hub has ever run there. Throws HubError if the file is damaged. */
export function readKeys(paths: HubPaths): HubKeys | null {
	const path = keysFile(paths);
	const value = readJsonFile(path);
	if (value === null) return null;
	const {jwt_secret, anon_key, service_role_key} = value;
	if (typeof jwt_secret === 'string' && typeof anon_key === 'string' && typeof service_role_key === 'string') {
		return {jwt_secret, anon_key, service_role_key};
	}
	throw new HubError(
		`${path} is damaged: a key is missing.`,
		'Move it away to get new keys, and let the agents join again.',
	);
}

/** Only under the hub's lock: two processes at once would use different keys. */
export function ensureKeys(paths: HubPaths): HubKeys {
	const present = readKeys(paths);
	return present ?? replaceKeys(paths);
}

/** Replaces the keys atomically. Only under the hub's lock. */
export function replaceKeys(paths: HubPaths): HubKeys {
	const secret = randomBytes(32).toString('base64url');
	// No `iat`: after the clock is set back, they would not be valid yet.
	const keys: HubKeys = {
		jwt_secret: secret,
		anon_key: signToken(secret, {iss: 'agentmux', role: 'anon'}),
		service_role_key: signToken(secret, {iss: 'agentmux', role: 'service_role'}),
	};
	writePrivateFile(keysFile(paths), `${JSON.stringify(keys, null, '\t')}\n`);
	return keys;
}

export function keysFile(paths: HubPaths): string {
	return join(paths.data, 'keys.json');
}
