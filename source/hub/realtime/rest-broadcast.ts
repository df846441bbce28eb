import {json, refusal, type HubRequest, type HubResponse} from '../http/http.ts';
import type {SubscriberRole} from './change-rows.ts';
import {isObject} from './join.ts';
import {elements, members, objectText, type JsonText} from './json-text.ts';
import {readRights} from './rights.ts';
import type {Server} from './server.ts';

interface Outgoing {
	readonly topic: string;
	readonly event: string;
	readonly private: boolean;
	readonly payload: JsonText;
}

type Faults = {readonly [field: string]: readonly string[]};

const accepted: HubResponse = {status: 202};
const badRequest: HubResponse = {
	status: 400,
	headers: {'content-type': 'text/html; charset=utf-8'},
	body: 'Bad Request',
};
const forbidden = refusal(403, 'You are not allowed to broadcast on this private topic.');
const notFound: HubResponse = {status: 404, headers: {'content-type': 'text/html; charset=utf-8'}, body: 'Not Found'};

/**
 * POST /api/broadcast `{messages: [{topic, event, payload, private?}]}`, and its newer sibling for one message,
 * POST /api/broadcast/:topic/events/:event?private=true with the payload alone, JSON or bytes. What the token may not send is
 * dropped, as Realtime does; but where that is all of it, the answer is 403 and not Realtime's 202, which nobody would notice.
 */
export async function handleBroadcast(server: Server, request: HubRequest): Promise<HubResponse> {
	const {role, claims} = request.caller;
	const text = JSON.stringify(claims);
	const subscriber = {role, claims: text, key: `${role} ${text}`};
	const [, api, broadcast, topic, events, event, ...rest] = request.path.split('/');
	if (request.method !== 'POST' || api !== 'api' || broadcast !== 'broadcast') return notFound;
	if (topic === undefined) return sendMany(server, subscriber, request.body.toString('utf8'));
	if (events !== 'events' || event === undefined || rest.length > 0) return notFound;
	return sendOne(server, subscriber, request, decodePart(topic), decodePart(event));
}

async function sendMany(server: Server, subscriber: SubscriberRole, body: string): Promise<HubResponse> {
	const value = parse(body);
	if (value === undefined) return badRequest;
	const messages = isObject(value) ? value['messages'] : undefined;
	if (messages !== undefined && messages !== null && !Array.isArray(messages)) return unprocessable(['is invalid']);
	if (!Array.isArray(messages) || messages.length === 0) return unprocessable(["can't be blank"]);
	const texts = elements(members(body).get('messages') ?? '[]');
	const faults = messages.map((message, nth) => faultsOf(message, texts[nth] ?? '', server.limits.payload));
	if (faults.some(fault => Object.keys(fault).length > 0)) return unprocessable(faults);
	const outgoing = messages.map((message, nth): Outgoing => {
		const {topic, event, private: isPrivate} = message as {topic: string; event: string; private?: unknown};
		return {topic, event, private: isPrivate === true, payload: members(texts[nth] ?? '').get('payload') ?? '{}'};
	});
	let sent = 0;
	for (const message of outgoing) if (await send(server, subscriber, message)) sent++;
	return sent > 0 ? accepted : forbidden;
}

async function sendOne(
	server: Server,
	subscriber: SubscriberRole,
	{query, headers, body}: HubRequest,
	topic: string | null,
	event: string | null,
): Promise<HubResponse> {
	if (topic === null || event === null || topic === '' || event === '') return badRequest;
	const isPrivate = query.get('private') === 'true';
	if (body.length > server.limits.payload) return unprocessable([{payload: [tooLarge]}]);
	if (headers['content-type']?.startsWith('application/octet-stream') === true) {
		if (!(await mayWrite(server, subscriber, topic, isPrivate))) return forbidden;
		server.topics.broadcastBinary(topic, isPrivate, {event, json: false, bytes: body});
		return accepted;
	}
	const payload = body.toString('utf8');
	if (parse(payload) === undefined) return badRequest;
	return (await send(server, subscriber, {topic, event, private: isPrivate, payload})) ? accepted : forbidden;
}

/** Whether the token may send it. */
async function send(server: Server, subscriber: SubscriberRole, message: Outgoing): Promise<boolean> {
	if (!(await mayWrite(server, subscriber, message.topic, message.private))) return false;
	const payload = objectText([
		['event', JSON.stringify(message.event)],
		['payload', message.payload],
		['type', '"broadcast"'],
	]);
	server.topics.broadcast(message.topic, message.private, payload);
	return true;
}

async function mayWrite(
	server: Server,
	subscriber: SubscriberRole,
	topic: string,
	isPrivate: boolean,
): Promise<boolean> {
	return !isPrivate || (await readRights(server.database, topic, subscriber)).write.broadcast;
}

const tooLarge = 'Payload size exceeds tenant limit';

function faultsOf(message: unknown, text: JsonText, limit: number): Faults {
	const faults: {[field: string]: string[]} = {};
	const fields = isObject(message) ? message : {};
	for (const name of ['event', 'topic']) {
		const value = fields[name];
		if (value === undefined || value === null || value === '') faults[name] = ["can't be blank"];
		else if (typeof value !== 'string') faults[name] = ['is invalid'];
	}
	const {payload} = fields;
	if (payload === undefined || payload === null) faults['payload'] = ["can't be blank"];
	else if (!isObject(payload)) faults['payload'] = ['is invalid'];
	else if (Buffer.byteLength(text) > limit) faults['payload'] = [tooLarge];
	return faults;
}

function unprocessable(messages: readonly unknown[]): HubResponse {
	return json(422, {errors: {messages}});
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function decodePart(part: string): string | null {
	try {
		return decodeURIComponent(part);
	} catch {
		return null;
	}
}
