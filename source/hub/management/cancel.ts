import type {FairDatabase} from '../database/fair-database.ts';
import type {Handler, HubResponse} from '../http/http.ts';

/** `POST /agentmux/v1/cancel` as service_role: cancels what the owner runs, and answers with what that was. */
export function createCancel(database: Pick<FairDatabase, 'cancelOwner'>): {handle: Handler} {
	return {
		async handle({method, path, caller}) {
			if (caller.role !== 'service_role') return json(401, {message: 'Unauthorized: this needs the service_role key.'});
			if (path !== '/' || method !== 'POST') return json(404, {message: 'There is nothing of that name.'});
			return json(200, {cancelled: database.cancelOwner()});
		},
	};
}

function json(status: number, value: object): HubResponse {
	return {status, headers: {'content-type': 'application/json; charset=utf-8'}, body: JSON.stringify(value)};
}
