import type {FairDatabase} from '../database/fair-database.ts';
import {json, refusal, type Handler} from '../http/http.ts';

/** `POST /agentmux/v1/cancel` as service_role: cancels the owner's running calls, and lists them in the response. */
export function createCancel(database: Pick<FairDatabase, 'cancelOwner'>): {handle: Handler} {
	return {
		async handle({method, path, caller}) {
			if (caller.role !== 'service_role') return refusal(401, 'Unauthorized: this needs the service_role key.');
			if (path !== '/' || method !== 'POST') return refusal(404, 'There is no such path here.');
			return json(200, {cancelled: database.cancelOwner()});
		},
	};
}
