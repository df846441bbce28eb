import {ensureKeys, replaceKeys, type HubKeys} from './keys.ts';
import {refusal, type Handler, type HubRequest} from '../http/http.ts';
import type {HubPaths} from '../files/paths.ts';

/** The keys of a hub that runs, until they are replaced. Only under the hub's lock. */
export class KeyRing {
	readonly #places: HubPaths;
	#keys: HubKeys;

	constructor(paths: HubPaths) {
		this.#places = paths;
		this.#keys = ensureKeys(paths);
	}

	get jwt_secret(): string {
		return this.#keys.jwt_secret;
	}

	/** Refuses everything that the old keys signed. Writes the file first, so that after a crash either the old or the new keys are valid. */
	rotate(): void {
		this.#keys = replaceKeys(this.#places);
	}
}

/** `POST /agentmux/v1/keys` as service_role: replaces the keys and their file. `onRotated` is to close all connections, and to end what is under way. */
export function createKeyRotation(keys: KeyRing, onRotated: (request: HubRequest) => Promise<void>): {handle: Handler} {
	return {
		async handle(request) {
			const {method, path, caller} = request;
			if (caller.role !== 'service_role') return refusal(401, 'Unauthorized: this needs the service_role key.');
			if (path !== '/' || method !== 'POST') return refusal(404, 'There is no such path here.');
			keys.rotate();
			await onRotated(request);
			return {status: 204};
		},
	};
}
