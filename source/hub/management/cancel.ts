import type {FairDatabase} from '../database/fair-database.ts';
import {json, refusal, type Handler} from '../http/http.ts';

/** `POST /agentmux/v1/cancel` as service_role: cancels what the owner runs, and answers with what that was. */
export function createCancel(database: Pick<FairDatabase, 'cancelOwner'>): {handle: Handler} {
	return {
		async handle({method, path, caller}) {
			if (caller.role !== 'service_role') return refusal(401, 'Unauthorized: this needs the service_role key.');
			if (path !== '/' || method !== 'POST') return refusal(404, 'There is no such path here.');
			return json(200, {cancelled: database.cancelOwner()});
		},
	};
}
