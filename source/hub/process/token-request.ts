import {HubError} from '../files/error.ts';
import type {Activity} from '../database/fair-database.ts';
import type {RunningHub} from './find.ts';
import {dial} from '../local/dial.ts';
import {exchange} from '../local/exchange.ts';

/** The hub refused: the token was ended, or its agent was revoked. */
export interface Refused {
	readonly message: string;
	readonly hint: string;
}

/**
 * Requests an agent's token from the hub: with `tag`, a new one (or `token` itself while it is valid); with `token` alone, a new one in
 * exchange for it. Rejects with HubError if the hub cannot do it now.
 */
export async function requestToken(
	hub: RunningHub,
	wanted: {readonly tag: string; readonly token?: string | undefined} | {readonly token: string},
): Promise<{readonly token: string} | Refused> {
	const {status, value} = await ask(hub, 'POST', '/agentmux/v1/tokens', hub.service_role_key, wanted);
	const {token, message, hint} = value;
	if ((status === 200 || status === 201) && typeof token === 'string') return {token};
	if (status === 401 || status === 403) return {message: String(message), hint: typeof hint === 'string' ? hint : ''};
	throw failed('issue a token', status, message);
}

/** Ends every token of the agent. Rejects with HubError. */
export async function endTokens(hub: RunningHub, tag: string): Promise<void> {
	const {status, value} = await ask(hub, 'DELETE', '/agentmux/v1/tokens', hub.service_role_key, {tag});
	if (status !== 204) throw failed(`end the tokens of ${tag}`, status, value['message']);
}

/** Ends one token and its chain of renewals. Rejects with HubError. */
export async function endToken(hub: RunningHub, token: string): Promise<void> {
	const {status, value} = await ask(hub, 'DELETE', '/agentmux/v1/tokens', token, {});
	// It has expired or ended already.
	if (status !== 204 && status !== 401 && status !== 403) throw failed('end a token', status, value['message']);
}

/** Replaces the keys; the current keys of `hub` are no longer valid then. Rejects with HubError. */
export async function rotateKeys(hub: RunningHub): Promise<void> {
	const {status, value} = await ask(hub, 'POST', '/agentmux/v1/keys', hub.service_role_key, {});
	if (status !== 204) throw failed('replace the keys', status, value['message']);
}

/** Cancels the owner's running statements, and returns them. Rejects with HubError. */
export async function cancelStatements(hub: RunningHub): Promise<readonly Activity[]> {
	const {status, value} = await ask(hub, 'POST', '/agentmux/v1/cancel', hub.service_role_key, {});
	if (status !== 200 || !Array.isArray(value['cancelled']))
		throw failed('cancel the statements', status, value['message']);
	return value['cancelled'] as readonly Activity[];
}

interface Answer {
	readonly status: number;
	readonly value: {readonly [name: string]: unknown};
}

async function ask(
	hub: RunningHub,
	method: 'POST' | 'DELETE',
	path: string,
	bearer: string,
	body: object,
): Promise<Answer> {
	try {
		const {status, text} = await exchange(dial(hub), {
			method,
			path,
			headers: {
				host: new URL(hub.url).host,
				authorization: `Bearer ${bearer}`,
				'content-type': 'application/json',
			},
			body: JSON.stringify(body),
			signal: AbortSignal.timeout(timeout),
		});
		const value: unknown = text === '' ? {} : JSON.parse(text);
		return {status, value: typeof value === 'object' && value !== null ? {...value} : {}};
	} catch (error) {
		if (error instanceof DOMException && error.name === 'TimeoutError') {
			const late = `The hub did not answer within ${timeout / 1000} s.`;
			throw new HubError(late, '`agentmux hub status` shows what its database is busy with; try again afterwards.', {
				cause: error,
			});
		}
		throw new HubError('The hub went away.', 'Try again.', {cause: error});
	}
}

/** Milliseconds. */
const timeout = 15_000;

function failed(what: string, status: number, message: unknown): HubError {
	const said = typeof message === 'string' ? message.replace(/\.$/, '') : `HTTP ${status}`;
	return new HubError(`The hub could not ${what}: ${said}.`, 'See `agentmux hub logs`.');
}
