import {type HubRequest} from '../http/http.ts';

/** Functions that send or receive messages, and heartbeats. */
const calls = new Set([
	'agent_touch',
	'hook_take',
	'inbox',
	'inbox_check',
	'inbox_take',
	'mailbox_state',
	'messages_poll',
	'messages_since',
	'receipt_ack',
	'receipt_deliver',
	'task_heartbeat',
	'task_renew',
]);

/** Bytes of a message of the maximum size as JSON, and characters of the query string with it. */
const maxBodySize = 600_000;
const maxQueryLength = 1000;

/** Whether a request is mail or a heartbeat, and small: quick enough for the reserved connections. */
export function isMail({method, path, query, body}: HubRequest): boolean {
	if (method !== 'POST' || body.length > maxBodySize || query.toString().length > maxQueryLength) return false;
	if (path === '/messages') return true;
	return path.startsWith('/rpc/') && calls.has(path.slice('/rpc/'.length));
}

/** Whether a request of the owner inserts rows: the size of its body limits what it costs, and half of them would be of no use. */
export function isOwnersInsert({method, path, caller}: HubRequest): boolean {
	return caller.role === 'service_role' && method === 'POST' && !path.startsWith('/rpc/');
}

const plainQuery = new Set(['columns', 'on_conflict', 'select']);

/** Whether a request writes a single message and returns no more than its row, so that its cost is limited by the message's size. */
export function isOneMessage(request: HubRequest): boolean {
	const {path, query, body} = request;
	return (
		path === '/messages' &&
		isMail(request) &&
		/^\s*\{/.test(body.toString('utf8', 0, 100)) &&
		[...query].every(([key, value]) => plainQuery.has(key) && !value.includes('('))
	);
}
