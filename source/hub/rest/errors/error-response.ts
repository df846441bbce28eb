import {type HubResponse} from '../../http/http.ts';
import {type RestError} from './error.ts';

/** An error response like PostgREST's; `head`: without a body. */
export function errorResponse(
	{status, code, details, hint, message, headers}: RestError,
	more: {readonly [name: string]: string} = {},
	head = false,
): HubResponse {
	return {
		status,
		headers: {
			'Content-Type': 'application/json; charset=utf-8',
			// A function may raise any code; only word characters are safe in a header.
			...(/^\w+$/.test(code) ? {'Proxy-Status': `PostgREST; error=${code}`} : {}),
			...more,
			...headers,
		},
		...(head ? {} : {body: JSON.stringify({code, details, hint, message})}),
	};
}
