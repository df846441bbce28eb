import {type HubRequest} from '../http.ts';

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
const largestBody = 600_000;
const longestQuery = 1000;

/** Whether a request is mail or a sign of life, and small, so that connections may be kept for it: it takes no time. */
export function isMail({method, path, query, body}: HubRequest): boolean {
	if (method !== 'POST' || body.length > largestBody || query.toString().length > longestQuery) return false;
	if (path === '/messages') return true;
	return path.startsWith('/rpc/') && calls.has(path.slice('/rpc/'.length));
}
