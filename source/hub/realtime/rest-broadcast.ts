import {json, refusal, type HubRequest, type HubResponse} from '../http/http.ts';
import type {SubscriberRole} from './changed-rows.ts';
import {isObject} from './join.ts';
import {elements, members, objectText, type JsonText} from './json-text.ts';
import {readRights} from './rights.ts';
import type {RealtimeContext} from './context.ts';

interface Outgoing {
	readonly topic: string;
	readonly event: string;
	readonly private: boolean;
	readonly payload: JsonText;
}

type FieldErrors = {readonly [field: string]: readonly string[]};

const accepted: HubResponse = {status: 202};
const badRequest: HubResponse = {
	status: 400,
	headers: {'content-type': 'text/html; charset=utf-8'},
	body: 'Bad Request',
};
const forbidden = refusal(403, 'You are not allowed to broadcast on this private topic.');
const notFound: HubResponse = {status: 404, headers: {'content-type': 'text/html; charset=utf-8'}, body: 'Not Found'};

/**
 * Handles POST /api/broadcast with `{messages: [{topic, event, payload, private?}]}`, and the newer form for a single message,
 * POST /api/broadcast/:topic/events/:event?private=true, whose body is the payload, JSON or bytes. Messages that the token may not send
 * are dropped, as in Supabase Realtime; but if that leaves none, the response is 403 rather than its 202, which would hide the error.
 */
export async function handleBroadcast(context: RealtimeContext, request: HubRequest): Promise<HubResponse> {
	const {role, claims} = request.caller;
	const text = JSON.stringify(claims);
	const subscriber = {role, claims: text, key: `${role} ${text}`};
	const [, api, broadcast, topic, events, event, ...rest] = request.path.split('/');
	if (request.method !== 'POST' || api !== 'api' || broadcast !== 'broadcast') return notFound;
	if (topic === undefined) return sendMany(context, subscriber, request.body.toString('utf8'));
	if (events !== 'events' || event === undefined || rest.length > 0) return notFound;
	return sendOne(context, subscriber, request, decodePart(topic), decodePart(event));
}

async function sendMany(context: RealtimeContext, subscriber: SubscriberRole, body: string): Promise<HubResponse> {
	const value = parse(body);
	if (value === undefined) return badRequest;
	const messages = isObject(value) ? value['messages'] : undefined;
	if (messages !== undefined && messages !== null && !Array.isArray(messages)) return unprocessable(['is invalid']);
	if (!Array.isArray(messages) || messages.length === 0) return unprocessable(["can't be blank"]);
	const texts = elements(members(body).get('messages') ?? '[]');
	const errors = messages.map((message, nth) => errorsOf(message, texts[nth] ?? '', context.limits.payload));
	if (errors.some(error => Object.keys(error).length > 0)) return unprocessable(errors);
	const outgoing = messages.map((message, nth): Outgoing => {
		const {topic, event, private: isPrivate} = message as {topic: string; event: string; private?: unknown};
		return {topic, event, private: isPrivate === true, payload: members(texts[nth] ?? '').get('payload') ?? '{}'};
	});
	let sent = 0;
	for (const message of outgoing) if (await send(context, subscriber, message)) sent++;
	return sent > 0 ? accepted : forbidden;
}

async function sendOne(
	context: RealtimeContext,
	subscriber: SubscriberRole,
	{query, headers, body}: HubRequest,
	topic: string | null,
	event: string | null,
): Promise<HubResponse> {
	if (topic === null || event === null || topic === '' || event === '') return badRequest;
	const isPrivate = query.get('private') === 'true';
	if (body.length > context.limits.payload) return unprocessable([{payload: [tooLarge]}]);
	if (headers['content-type']?.startsWith('application/octet-stream') === true) {
		if (!(await mayWrite(context, subscriber, topic, isPrivate))) return forbidden;
		context.topics.broadcastBinary(topic, isPrivate, {event, json: false, bytes: body});
		return accepted;
	}
	const payload = body.toString('utf8');
	if (parse(payload) === undefined) return badRequest;
	return (await send(context, subscriber, {topic, event, private: isPrivate, payload})) ? accepted : forbidden;
}

/** Sends a message. False: the token may not send it. */
async function send(context: RealtimeContext, subscriber: SubscriberRole, message: Outgoing): Promise<boolean> {
	if (!(await mayWrite(context, subscriber, message.topic, message.private))) return false;
	const payload = objectText([
		['event', JSON.stringify(message.event)],
		['payload', message.payload],
		['type', '"broadcast"'],
	]);
	context.topics.broadcast(message.topic, message.private, payload);
	return true;
}

async function mayWrite(
	context: RealtimeContext,
	subscriber: SubscriberRole,
	topic: string,
	isPrivate: boolean,
): Promise<boolean> {
	return !isPrivate || (await readRights(context.database, topic, subscriber)).write.broadcast;
}

const tooLarge = 'Payload size exceeds tenant limit';

function errorsOf(message: unknown, text: JsonText, limit: number): FieldErrors {
	const errors: {[field: string]: string[]} = {};
	const fields = isObject(message) ? message : {};
	for (const name of ['event', 'topic']) {
		const value = fields[name];
		if (value === undefined || value === null || value === '') errors[name] = ["can't be blank"];
		else if (typeof value !== 'string') errors[name] = ['is invalid'];
	}
	const {payload} = fields;
	if (payload === undefined || payload === null) errors['payload'] = ["can't be blank"];
	else if (!isObject(payload)) errors['payload'] = ['is invalid'];
	else if (Buffer.byteLength(text) > limit) errors['payload'] = [tooLarge];
	return errors;
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
