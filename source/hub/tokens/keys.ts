import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPlaces} from '../files/places.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {signToken} from './token.ts';

/** What data/keys.json holds. */
export interface HubKeys {
	/** Signs every token with HS256. */
	readonly jwt_secret: string;
	/** Tokens that never expire, for the roles anon and service_role, like Supabase's API keys. */
	readonly anon_key: string;
	readonly service_role_key: string;
}

/** Null if no hub has ever run there. Throws HubError if the file is damaged. */
export function readKeys(places: HubPlaces): HubKeys | null {
	const path = keysFile(places);
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
export function ensureKeys(places: HubPlaces): HubKeys {
	const present = readKeys(places);
	return present ?? replaceKeys(places);
}

/** Replaces the keys atomically. Only under the hub's lock. */
export function replaceKeys(places: HubPlaces): HubKeys {
	const secret = randomBytes(32).toString('base64url');
	// No `iat`: after the clock is set back, they would not be valid yet.
	const keys: HubKeys = {
		jwt_secret: secret,
		anon_key: signToken(secret, {iss: 'agentmux', role: 'anon'}),
		service_role_key: signToken(secret, {iss: 'agentmux', role: 'service_role'}),
	};
	writePrivateFile(keysFile(places), `${JSON.stringify(keys, null, '\t')}\n`);
	return keys;
}

export function keysFile(places: HubPlaces): string {
	return join(places.data, 'keys.json');
}
