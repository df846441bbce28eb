import {createHmac} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket} from 'ws';
import type {PlayedAgent} from '../helpers/agent.ts';
import type {Attack, Tally} from './attack.ts';
import type {Target} from './target.ts';

export const tokens: Attack = {
	name: 'tokens',
	what: 'forged tokens, and those of an agent that left, was revoked, or whose keys were changed',
	async run({targets, tally}) {
		await targets.alone('PGlite', async target => {
			await target.home.output(['send', 'a secret of the mailbox']);
			for (const [what, token] of forged(target)) {
				for (const [way, refused] of await tryAll(target, token, 'FORGED'))
					tally.expectRefused(refused === null, `${what}: ${way}`, refused);
			}
			await chained(target, tally);
			for (const [what, end] of ends) await ended(target, tally, what, end);
		});
	},
};

type End = (target: Target, tag: string, folder: string) => Promise<unknown>;

/** Each takes an agent's token its worth. The last changes all keys, so nothing comes after it. */
const ends: readonly (readonly [what: string, end: End])[] = [
	['revoked', ({home}, tag) => home.output(['agents', 'revoke', tag])],
	['left', ({home}, tag, folder) => home.output(['leave', tag, '--dir', folder])],
	['rotated', ({home}) => home.output(['hub', 'rotate-keys'])],
];

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function forged({hub}: Target): [what: string, token: string][] {
	const good = hub.tokenFor('FORGED');
	const [head = '', body = '', tail = ''] = good.split('.');
	const human = encode({iss: 'agentmux', role: 'authenticated', app_metadata: {agent_tag: 'HUMAN', kind: 'human'}});
	const service = encode({iss: 'agentmux', role: 'service_role'});
	const sign = (header: object, claims: string, secret: string): string => {
		const text = `${encode(header)}.${claims}`;
		return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
	};
	const HS256 = {alg: 'HS256', typ: 'JWT'};
	return [
		...['none', 'None', 'NONE', 'nOnE', ''].map((alg): [string, string] => [
			`alg ${alg}`,
			`${encode({alg})}.${service}.`,
		]),
		['alg none with a signature', `${encode({alg: 'none'})}.${service}.${tail}`],
		...['HS384', 'HS512', 'RS256', 'ES256', 'hs256'].map((alg): [string, string] => [
			`alg ${alg}`,
			`${encode({alg})}.${service}.${tail}`,
		]),
		['claims of a human, its own signature', `${head}.${human}.${tail}`],
		['claims of the service, its own signature', `${head}.${service}.${tail}`],
		['no signature', `${head}.${service}.`],
		['half a signature', `${head}.${body}.${tail.slice(0, 20)}`],
		['a signature too long', `${good}AAAA`],
		['another secret', sign(HS256, service, 'another secret of at least thirty-two characters')],
		['an empty secret', sign(HS256, service, '')],
		['the public key as the secret', sign(HS256, service, hub.anonKey)],
		["Supabase's well-known secret", sign(HS256, service, 'super-secret-jwt-token-with-at-least-32-characters-long')],
		['a key in the header', sign({...HS256, jwk: {kty: 'oct', k: encode('x')}}, service, 'x')],
		['a file as the key', sign({...HS256, kid: '../../../dev/null'}, service, '')],
		['four parts', `${good}.${tail}`],
		['claims that are a list', `${head}.${encode(['service_role'])}.${tail}`],
		['a long one', 'a'.repeat(30_000)],
	];
}

/** Every way in that takes a token; each with null when it was refused, or with what it gave. */
async function tryAll(target: Target, token: string, tag: string): Promise<[way: string, seen: string | null][]> {
	const requests: readonly (readonly [string, string, string, unknown])[] = [
		['a read', 'GET', '/rest/v1/messages?select=content', undefined],
		['a write', 'POST', '/rest/v1/messages', {content: `[${tag}] in`}],
		['a function', 'POST', '/rest/v1/rpc/agent_touch', {p_presence: 'working'}],
		["an agent's SQL", 'POST', '/rest/v1/rpc/agent_sql', {p_query: 'select content from messages'}],
		['the management call', 'POST', '/v1/projects/local/database/query', {query: 'select content from messages'}],
		[
			'a broadcast',
			'POST',
			'/realtime/v1/api/broadcast',
			{messages: [{topic: 'x', event: 'y', payload: {}, private: true}]},
		],
		['a renewal', 'POST', '/agentmux/v1/tokens', {}],
		['a copy of the database', 'POST', '/agentmux/v1/copies', undefined],
	];
	const results: [string, string | null][] = [];
	for (const [way, method, path, body] of requests) {
		// One token alone, as both keys.
		const {status, text, json} = await target.ask(null, method, path, body, {authorization: `Bearer ${token}`});
		const held = status >= 400 || (Array.isArray(json) && json.length === 0);
		results.push([way, held ? null : `${status} ${text.slice(0, 200)}`]);
	}
	const listener = new Listener(target, token);
	await listener.ready();
	await target.owner(`insert into messages (content) values ('[OWNER] for those who may hear')`);
	await sleep(150);
	results.push(['a socket', listener.heard.length === 0 ? null : `heard ${listener.heard.join()}`]);
	listener.close();
	return results;
}

/** A token that was renewed before the one it was renewed from was ended. */
async function chained(target: Target, tally: Tally): Promise<void> {
	const tag = 'CHAINED';
	await target.join(tag);
	const path = `${target.home.path}/data/agents/${tag}.json`;
	const {token} = JSON.parse(readFileSync(path, 'utf8')) as {token: string};
	const ask = (method: string) =>
		target.ask(null, method, '/agentmux/v1/tokens', {}, {authorization: `Bearer ${token}`});
	const {json} = await ask('POST');
	const renewed = (json as {readonly token?: unknown}).token;
	if (typeof renewed !== 'string') return tally.breach('chain: the control failed: the token was not renewed');
	await ask('DELETE');
	await sleep(1000);
	for (const [what, each] of [
		['an ended token', token],
		['one renewed from it', renewed],
	] as const) {
		for (const [way, seen] of await tryAll(target, each, tag))
			tally.expectRefused(seen === null, `${what}: ${way}`, seen);
	}
}

async function ended(target: Target, tally: Tally, what: string, end: End): Promise<void> {
	const tag = `ENDED_${what.toUpperCase()}`;
	const {folder, agent} = await target.join(tag);
	const token = (JSON.parse(readFileSync(`${target.home.path}/data/agents/${tag}.json`, 'utf8')) as {token: string})
		.token;
	const before = await tryAll(target, token, tag);
	const working = before.filter(([, seen]) => seen !== null).map(([way]) => way);
	if (!['a read', 'a write', 'a function', 'a socket'].every(way => working.includes(way))) {
		tally.breach(`${what}: the control failed: only ${working.join(', ')} worked before`);
	}
	await agent.call('check_messages');
	const open = new Listener(target, token);
	await open.ready();
	await end(target, tag, folder);
	const now = await moved(target);
	await sleep(1000);
	open.heard.length = 0;
	for (const [way, seen] of await tryAll(now, token, tag)) tally.expectRefused(seen === null, `${what}: ${way}`, seen);
	tally.expectRefused(open.heard.length === 0, `${what}: a socket that was open hears on`, open.heard);
	open.close();
	await servers(tally, what, agent);
	const [{n} = {n: 0}] = await now.owner<{n: number}>(
		`select count(*)::int as n from messages where content like '%after it ended'`,
	);
	tally.expectRefused(n === 0, `${what}: it has written ${n} messages after its end`);
}

/** The servers that were started before, with the token that they have in memory. After new keys an agent goes on with a new one. */
async function servers(tally: Tally, what: string, agent: PlayedAgent): Promise<void> {
	if (what === 'rotated') return;
	const sent = await agent
		.call('send_message', {text: 'after it ended', to: ['HUMAN']})
		.catch((error: unknown) => ({isError: true, text: String(error)}));
	tally.expectRefused(sent.isError, `${what}: its server sends`, sent.text);
	const handed = await agent.call('check_messages').catch((error: unknown) => ({isError: true, text: String(error)}));
	tally.expectRefused(handed.isError, `${what}: its server hands mail over`, handed.text);
}

/** Where the hub is and with which keys, after they may have changed. */
async function moved(target: Target): Promise<Target> {
	const text = await target.home.output(['hub', 'status', '-o', 'env']);
	const value = (name: string): string => new RegExp(`^${name}="?([^"\\n]+)`, 'm').exec(text)?.[1] ?? '';
	return target.at({url: value('API_URL'), anonKey: value('ANON_KEY'), serviceRoleKey: value('SERVICE_ROLE_KEY')});
}

/** A socket that asks for the messages. */
class Listener {
	readonly heard: string[] = [];
	readonly #socket: WebSocket;
	#answered = false;

	constructor({hub}: Target, token: string) {
		this.#socket = new WebSocket(
			`${hub.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${hub.anonKey}`,
		);
		this.#socket.on('error', () => undefined);
		this.#socket.on('close', () => (this.#answered = true));
		this.#socket.on('open', () => {
			const config = {postgres_changes: [{event: 'INSERT', schema: 'public', table: 'messages'}]};
			this.#socket.send(JSON.stringify(['1', '1', 'realtime:all', 'phx_join', {config, access_token: token}]));
		});
		this.#socket.on('message', (data: Buffer, binary) => {
			if (binary) return;
			const [, , , event, payload] = JSON.parse(data.toString('utf8')) as [
				0,
				0,
				0,
				string,
				{status?: string; data?: {record?: {content?: string}}},
			];
			if (event === 'system' || (event === 'phx_reply' && payload.status === 'error')) this.#answered = true;
			const content = payload.data?.record?.content;
			if (event === 'postgres_changes' && content !== undefined) this.heard.push(content);
		});
	}

	/** Resolves when it is subscribed or refused. */
	async ready(): Promise<void> {
		for (let waited = 0; !this.#answered; waited += 20) {
			if (waited > 10_000) throw new Error('the socket is not answered');
			await sleep(20);
		}
	}

	close(): void {
		this.#socket.terminate();
	}
}
