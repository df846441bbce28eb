import {type HubRequest} from '../http/http.ts';

/** What brings a message in or out, or tells that somebody is there. */
const calls = new Set([
	'agent_touch',
	'inbox',
	'inbox_take',
	'mailbox_state',
	'messages_since',
	'receipt_ack',
	'receipt_deliver',
	'task_heartbeat',
]);

/** Bytes of a message of the largest size, as JSON, and of what is asked of the rows beside it. */
const maxBodySize = 600_000;
const maxQueryLength = 1000;

/** Whether a request is mail or a sign of life, and small, so that connections may be kept for it: it takes no time. */
export function isMail({method, path, query, body}: HubRequest): boolean {
	if (method !== 'POST' || body.length > maxBodySize || query.toString().length > maxQueryLength) return false;
	if (path === '/messages') return true;
	return path.startsWith('/rpc/') && calls.has(path.slice('/rpc/'.length));
}

const plainQuery = new Set(['columns', 'on_conflict', 'select']);

/** Whether a request writes one message, and asks for its row at most: what that costs is bounded by the size of a message. */
export function isOneMessage(request: HubRequest): boolean {
	const {path, query, body} = request;
	return (
		path === '/messages' &&
		isMail(request) &&
		/^\s*\{/.test(body.toString('utf8', 0, 100)) &&
		[...query].every(([key, value]) => plainQuery.has(key) && !value.includes('('))
	);
}
