import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createClient, type SupabaseClient} from '@supabase/supabase-js';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {signToken, verifyToken, type Claims} from '../../source/hub/tokens/token.ts';
import {foldTag} from '../../source/mailbox/tag.ts';
import {PlayedAgent} from '../helpers/agent.ts';
import {onPostgres} from '../helpers/engine.ts';
import {fire, placeAgent} from '../helpers/hook.ts';
import {placesIn, startTestHub, type TestHub} from '../helpers/hub.ts';
import {cli, Home} from '../helpers/program.ts';

let hub: TestHub;
/** Its home, with the built program in it. */
let home: Home;
let count = 0;
/** A tag and a folder of its own for each test. */
let me: string;
let folder: string;
let twins: string;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
	hub = await startTestHub({cli});
	home = Home.at(hub.home);
});
afterAll(() => hub.stop());
beforeEach(() => {
	count += 1;
	me = `CLAUDE_${count}`;
	folder = join(hub.home, `folder_${count}`);
	twins = join(hub.home, `twins_${count}`);
	mkdirSync(folder);
	mkdirSync(twins);
});
afterEach(async () => {
	for (const close of closing.splice(0)) await close();
});

const placePath = (tag = me): string => join(hub.home, 'data/agents', `${foldTag(tag)}.json`);
const place = (tag = me) => JSON.parse(readFileSync(placePath(tag), 'utf8')) as {token: string; key: string};
/** The keys of the home as they are now. */
const keys = () =>
	JSON.parse(readFileSync(join(hub.home, 'data/keys.json'), 'utf8')) as {
		jwt_secret: string;
		anon_key: string;
		service_role_key: string;
	};
const claimsOf = (token: string): Claims => {
	const verified = verifyToken(keys().jwt_secret, token, {leeway: Infinity});
	if ('fault' in verified) throw new Error(verified.fault);
	return verified.claims;
};
const sign = (more: object = {}, tag = me, secret = keys().jwt_secret): string =>
	signToken(secret, {iss: 'agentmux', role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}, ...more});
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const year = 365 * 86_400;

const tokens = (bearer: string, method: 'POST' | 'DELETE' = 'POST', body: object = {}): Promise<Response> =>
	fetch(`${hub.url}/agentmux/v1/tokens`, {
		method,
		headers: {authorization: `Bearer ${bearer}`, 'content-type': 'application/json'},
		body: JSON.stringify(body),
	});
const renewed = async (bearer: string): Promise<string> => {
	const response = await tokens(bearer);
	expect(response.status).toBe(201);
	return ((await response.json()) as {token: string}).token;
};

async function joined(tag = me, dir = folder): Promise<string> {
	await home.output(['join', tag, '--dir', dir]);
	return place(tag).token;
}

function client(token: string, key = keys().anon_key): SupabaseClient {
	const made = createClient(hub.url, key, {accessToken: async () => token});
	closing.push(() => made.realtime.disconnect());
	return made;
}

/** The result of each way to use the token: `yes`, or the error. */
async function ways(token: string, key = keys().anon_key): Promise<Record<string, string>> {
	const headers = {apikey: key, authorization: `Bearer ${token}`, 'content-type': 'application/json'};
	const ask = async (path: string, body?: object): Promise<string> => {
		const response = await fetch(`${hub.url}${path}`, {
			headers,
			...(body === undefined ? {} : {method: 'POST', body: JSON.stringify(body)}),
		});
		return response.ok ? 'yes' : `${response.status}`;
	};
	return {
		reading: await ask('/rest/v1/messages?select=id&limit=1'),
		function: await ask('/rest/v1/rpc/inbox_take', {p_limit: 1}),
		writing: await ask('/rest/v1/messages', {content: `[${me}] hello`}),
		'a table of somebody': await ask('/rest/v1/of_all?select=n'),
		broadcast: await ask('/realtime/v1/api/broadcast', {messages: [{topic: 'x', event: 'e', payload: {}}]}),
		renewal: await ask('/agentmux/v1/tokens', {}),
	};
}

const all = (answer: unknown): object => ({
	reading: answer,
	function: answer,
	writing: answer,
	'a table of somebody': answer,
	broadcast: answer,
	renewal: answer,
});

beforeAll(async () => {
	await home.output(['sql', 'create table of_all (n int); grant select on of_all to authenticated']);
});

describe('a token of an agent', () => {
	test('expires, has an id and a generation, and has no claim that a clock set back would invalidate', async () => {
		const token = await joined();
		const {exp, jti, ...rest} = claimsOf(token);
		expect(rest).toEqual({
			iss: 'agentmux',
			role: 'authenticated',
			app_metadata: {agent_tag: me, kind: 'agent'},
			gen: 0,
		});
		expect(Math.abs(Number(exp) - inSeconds(30 * 86_400))).toBeLessThan(300);
		expect(Buffer.from(String(jti), 'base64url')).toHaveLength(16);
		expect(statSync(placePath()).mode & 0o777).toBe(0o600);
		expect(await ways(token)).toEqual(all('yes'));
	});

	test('is kept when its agent joins again soon', async () => {
		const token = await joined();
		expect(await joined()).toBe(token);
		writeFileSync(placePath(), JSON.stringify({...place(), token: sign({exp: inSeconds(86_400), jti: 'x', gen: 0})}));
		expect(claimsOf(await joined())['exp']).toBeGreaterThan(inSeconds(20 * 86_400));
	});

	test('can be exchanged for a new one, also after it expired; nothing else can', async () => {
		const next = await renewed(sign({exp: inSeconds(-300), jti: 'late', gen: 0}));
		expect(claimsOf(next)).toMatchObject({app_metadata: {agent_tag: me, kind: 'agent'}, gen: 0});
		expect(claimsOf(await renewed(sign({exp: inSeconds(60 - year), jti: 'later', gen: 0})))['gen']).toBe(0);
		// Of the kind that never expired.
		expect(claimsOf(await renewed(sign()))['exp']).toBeGreaterThan(inSeconds(20 * 86_400));
		const other = signToken('the secret of another home, which is longer', claimsOf(next));
		const forged = `${next.split('.')[0]}.${Buffer.from(JSON.stringify({...claimsOf(next), gen: 99})).toString('base64url')}.${next.split('.')[2]}`;
		const human = sign({app_metadata: {agent_tag: 'HUMAN', kind: 'human'}});
		const hosted = sign({iss: 'https://x.supabase.co/auth/v1'});
		for (const [bearer, status] of [
			[sign({exp: inSeconds(-60 - year), jti: 'too late', gen: 0}), 401],
			[other, 401],
			[forged, 401],
			[keys().anon_key, 401],
			[human, 403],
			[hosted, 403],
		] as const) {
			expect((await tokens(bearer)).status).toBe(status);
		}
		for (const bearer of [other, forged]) expect(await ways(bearer)).toEqual(all('401'));
	});

	test('is exchanged only for one of the same agent', async () => {
		const response = await tokens(sign(), 'POST', {tag: 'CLAUDE_TWIN'});
		const {token} = (await response.json()) as {token: string};
		expect(claimsOf(token)).toMatchObject({app_metadata: {agent_tag: me}});
		expect((await tokens(sign(), 'DELETE', {tag: 'CLAUDE_TWIN'})).status).toBe(400);
	});

	test('that is ended by its id is refused everywhere, and others of its agent are not', async () => {
		const one = sign({exp: inSeconds(3600), jti: `one ${me}`, gen: 0});
		const two = sign({exp: inSeconds(3600), jti: `two ${me}`, gen: 0});
		expect((await tokens(one, 'DELETE')).status).toBe(204);
		expect(await ways(one)).toEqual(all('401'));
		expect((await tokens(keys().service_role_key, 'POST', {token: one})).status).toBe(401);
		expect(await ways(two)).toEqual(all('yes'));
	});

	test.each([
		['the first', 0],
		['one between', 1],
		['the last', 2],
	])('ends with its whole chain of renewals when %s is ended, and other chains stay valid', async (_, nth) => {
		const first = sign({exp: inSeconds(3600), jti: `first ${me}`, gen: 0});
		const second = await renewed(first);
		const chain = [first, second, await renewed(second)];
		const other = await renewed(sign({exp: inSeconds(3600), jti: `other ${me}`, gen: 0}));
		expect(chain.slice(1).map(token => claimsOf(token)['sid'])).toEqual([`first ${me}`, `first ${me}`]);
		expect((await tokens(chain[nth] ?? '', 'DELETE')).status).toBe(204);
		for (const token of chain) {
			expect(await ways(token)).toEqual(all('401'));
			expect((await tokens(keys().service_role_key, 'POST', {token})).status).toBe(401);
		}
		expect(await ways(other)).toEqual(all('yes'));
	});

	test('that has expired is renewed by its hook, its server and its commands, which leave it to the others', async () => {
		await joined();
		const users: readonly (readonly [string, () => Promise<unknown>])[] = [
			['hook', () => fire({home: hub.home, tag: me, event: 'UserPromptSubmit'})],
			['command', () => home.output(['tail'], {cwd: folder, env: {CLAUDECODE: '1'}})],
			[
				'server',
				async () => {
					const agent = new PlayedAgent(home, folder);
					closing.push(() => agent.close());
					return agent.call('list_agents');
				},
			],
		];
		for (const [who, use] of users) {
			const expired = sign({exp: inSeconds(-300), jti: `expired ${who}`, gen: 0});
			writeFileSync(placePath(), JSON.stringify({...place(), extra: who, token: expired}));
			const said = await use();
			expect([who, said]).toEqual([who, expect.not.objectContaining({isError: true})]);
			expect([who, claimsOf(place().token)['exp']]).toEqual([who, expect.any(Number)]);
			expect(claimsOf(place().token)['exp']).toBeGreaterThan(inSeconds(20 * 86_400));
			expect(JSON.parse(readFileSync(placePath(), 'utf8'))).toMatchObject({extra: who, tag: me});
			expect(statSync(placePath()).mode & 0o777).toBe(0o600);
			expect(await ways(place().token)).toEqual(all('yes'));
		}
	});
});

/** Every way in which tokens end: how, with which refusal, and whether the tokens of others do, too. */
const ends: readonly (readonly [how: string, end: () => Promise<unknown>, status: string, others: boolean])[] = [
	['leave', () => home.output(['leave', me, '--dir', folder]), '401', false],
	['agents revoke', () => home.output(['agents', 'revoke', me]), '403', false],
	['hub rotate-keys', () => home.output(['hub', 'rotate-keys']), '401', true],
];

describe.each(ends)('after agentmux %s', (how, end, status, others) => {
	test('all earlier tokens are refused immediately everywhere, also those without an expiry', async () => {
		const token = await joined();
		await joined(`${me}_TWIN`, twins);
		const unending = sign();
		const key = keys().anon_key;
		const twin = place(`${me}_TWIN`).token;
		expect(await ways(unending)).toEqual(all('yes'));
		await end();
		expect(await ways(token)).toEqual(all(status));
		for (const each of [token, unending]) {
			const said = await ways(each);
			expect(new Set(Object.values(said))).toEqual(new Set([status]));
			expect(new Set(Object.values(await ways(each, key)))).toEqual(new Set([status]));
		}
		expect(Object.values(await ways(twin))[0]).toBe(others ? '401' : 'yes');
		await home.output(['leave', `${me}_TWIN`, '--dir', twins]);
	});

	test('an open socket receives nothing more, broadcasts nothing more, and is not let in again', async () => {
		const token = await joined();
		const reader = client(token);
		await reader.realtime.setAuth();
		const heard: string[] = [];
		const states: string[] = [];
		const channel = reader
			.channel('room')
			.on('broadcast', {event: 'x'}, () => heard.push('broadcast'))
			.on('postgres_changes', {event: 'INSERT', schema: 'public', table: 'messages'}, () => heard.push('change'));
		channel.subscribe(state => states.push(state));
		await expect.poll(() => states).toContain('SUBSCRIBED');
		await home.output(['send', 'before'], {cwd: hub.home});
		await expect.poll(() => heard, {timeout: 20_000}).toContain('change');
		await end();
		await expect.poll(() => states.slice(1).length, {timeout: 20_000}).toBeGreaterThan(0);
		heard.length = 0;
		const witness = client(sign({app_metadata: {agent_tag: 'HUMAN', kind: 'human'}}));
		const told: string[] = [];
		const present: string[] = [];
		const other = witness.channel('room').on('broadcast', {event: 'x'}, () => told.push('broadcast'));
		other.subscribe(state => present.push(state));
		await expect.poll(() => present, {timeout: 20_000}).toContain('SUBSCRIBED');
		await channel.httpSend('x', {}).catch(() => undefined);
		await other.send({type: 'broadcast', event: 'x', payload: {}});
		expect(told).toEqual([]);
		await home.output(['send', 'after'], {cwd: hub.home});
		// The next message that an authorized client receives did not reach the other one.
		const late: string[] = [];
		const newcomer = client(token);
		await newcomer.realtime.setAuth();
		const again = newcomer.channel('again');
		again.subscribe(state => late.push(state));
		await expect.poll(() => late, {timeout: 20_000}).not.toEqual([]);
		expect(late).not.toContain('SUBSCRIBED');
		expect(heard).toEqual([]);
	});

	test('its hook and its server, running or restarted, are refused or have a new token', async () => {
		await joined();
		const agent = new PlayedAgent(home, folder);
		closing.push(() => agent.close());
		expect(await agent.call('send_message', {text: 'before'})).toMatchObject({isError: false});
		const former = readFileSync(placePath(), 'utf8');
		await end();
		const after = await agent.call('send_message', {text: 'after'});
		expect([how, after.isError]).toEqual([how, how !== 'hub rotate-keys']);
		const failures = (): string[] => {
			const path = join(hub.home, 'logs/hook.log');
			return existsSync(path)
				? readFileSync(path, 'utf8')
						.split('\n')
						.filter(line => line.includes(me))
				: [];
		};
		await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'});
		expect([how, failures().length]).toEqual([how, how === 'hub rotate-keys' ? 0 : 1]);
		// A copy of the file does not help.
		writeFileSync(placePath(), former);
		await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'});
		expect(failures().at(-1)).toMatch(/has ended|has been revoked|create another token/);
	});
});

describe('an agent that is restored', () => {
	test('gets a new token in its file, and the old one stays refused', async () => {
		const former = await joined();
		await home.output(['agents', 'revoke', me]);
		expect(await home.output(['agents', 'restore', me])).toBe(
			`${me} is restored. Messages that came in the meantime are waiting for it.\n`,
		);
		await expect.poll(() => ways(place().token)).toEqual(all('yes'));
		expect(claimsOf(place().token)['gen']).toBe(1);
		expect(new Set(Object.values(await ways(former)))).toEqual(new Set(['401']));
		expect(await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'})).toMatchObject({code: 0, stderr: ''});
	});

	test('joins again after it left', async () => {
		const former = await joined();
		await home.output(['leave', me, '--dir', folder]);
		expect(claimsOf(await joined())['gen']).toBe(1);
		await expect.poll(() => ways(place().token)).toEqual(all('yes'));
		expect(new Set(Object.values(await ways(former)))).toEqual(new Set(['401']));
	});

	test('keeps its token while it is joined in another folder', async () => {
		const other = join(folder, 'other');
		mkdirSync(other);
		const token = await joined();
		await home.output(['join', me, '--dir', other, '--force']);
		await home.output(['leave', me, '--dir', folder]);
		expect(await ways(token)).toEqual(all('yes'));
		await home.output(['leave', me, '--dir', other]);
		await expect.poll(() => ways(token)).toEqual(all('401'));
	});
});

test.skipIf(onPostgres)('a restored backup does not bring back tokens that have ended since', async () => {
	const own = await Home.make();
	closing.push(() => own.dispose());
	const project = join(own.path, 'project');
	mkdirSync(project);
	const tokenNow = (): string =>
		(JSON.parse(readFileSync(join(own.path, `data/agents/${me}.json`), 'utf8')) as {token: string}).token;
	await own.output(['join', me, '--dir', project]);
	const former = tokenNow();
	const file = join(own.path, 'backup.tar.gz');
	await own.output(['hub', 'backup', file]);
	await own.output(['leave', me, '--dir', project]);
	await own.output(['join', me, '--dir', project]);
	await own.output(['hub', 'restore', file]);
	const {url} = await own.json<{url: string}>(['hub', 'status']);
	const status = async (bearer: string): Promise<number> =>
		(await fetch(`${url}/agentmux/v1/tokens`, {method: 'POST', headers: {authorization: `Bearer ${bearer}`}})).status;
	expect([await status(former), await status(tokenNow())]).toEqual([401, 201]);
});

describe('a setup of an agentmux whose tokens did not expire', () => {
	test('still works: hook, command and server run, and get a new token automatically', async () => {
		await joined();
		const old = sign();
		writeFileSync(placePath(), JSON.stringify({...place(), token: old}, null, '\t'));
		await home.output(['send', '--to', me, 'for you'], {cwd: hub.home});
		const hook = await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'});
		expect(hook.stdout).toContain('for you');
		expect(place().token).toBe(old);
		const agent = new PlayedAgent(home, folder);
		closing.push(() => agent.close());
		expect(await agent.call('list_agents')).toMatchObject({isError: false});
		expect(claimsOf(place().token)).toMatchObject({gen: 0, exp: expect.any(Number)});
		// It may lie elsewhere yet.
		expect(await ways(old)).toEqual(all('yes'));
		await home.output(['agents', 'revoke', me]);
		await home.output(['agents', 'restore', me]);
		expect(await ways(old)).toEqual(all('401'));
	});

	test('with nothing but its files works as before', async () => {
		placeAgent(hub.home, me, {key: keys().anon_key, token: sign()});
		expect(await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'})).toMatchObject({code: 0, stderr: ''});
		expect(JSON.parse(await home.output(['inbox', '--as', me, '--json'], {cwd: hub.home}))).toEqual([]);
		expect(claimsOf(place().token)).toMatchObject({gen: 0, exp: expect.any(Number)});
	});
});

describe('new keys', () => {
	test('are refused to an agent', async () => {
		await joined();
		const before = keys();
		for (const env of [{}, {CLAUDECODE: '1'}]) {
			const {code, stderr} = await home.run(['hub', 'rotate-keys'], {cwd: folder, env});
			expect(code).toBe(1);
			expect(stderr).toMatch(new RegExp(`^agentmux: Here you act as ${me}, and only a human [^\\n]+\\n$`));
		}
		expect(keys()).toEqual(before);
	});

	test('are served without a restart, the old ones are refused, nothing is lost, and everyone affected is named', async () => {
		await joined();
		const before = keys();
		const id = Number(await home.output(['send', 'kept'], {cwd: hub.home}));
		const {pid} = await home.json<{pid: number}>(['hub', 'status']);
		const said = await home.output(['hub', 'rotate-keys']);
		expect(said).toContain(`New tokens for: `);
		expect(said).toContain(me);
		const after = keys();
		expect((await home.json<{pid: number}>(['hub', 'status'])).pid).toBe(pid);
		for (const name of ['jwt_secret', 'anon_key', 'service_role_key'] as const)
			expect(after[name]).not.toBe(before[name]);
		expect(statSync(join(hub.home, 'data/keys.json')).mode & 0o777).toBe(0o600);
		const status = (key: string) =>
			fetch(`${hub.url}/rest/v1/messages?select=id&id=eq.${id}`, {headers: {apikey: key}}).then(async response => [
				response.status,
				response.ok ? await response.json() : null,
			]);
		expect(await status(before.service_role_key)).toEqual([401, null]);
		expect(await status(after.service_role_key)).toEqual([200, [{id}]]);
		for (const key of [before.anon_key, after.anon_key]) expect(said).not.toContain(key);
	});

	test('reach a follower that was live all the time', async () => {
		const follower = home.start(['tail', '--follow', '--json'], {cwd: hub.home});
		closing.push(() => follower.kill());
		let shown = '';
		follower.stdout.on('data', chunk => (shown += String(chunk)));
		await home.output(['send', 'first word'], {cwd: hub.home});
		await expect.poll(() => shown, {timeout: 20_000}).toContain('first word');
		await home.output(['hub', 'rotate-keys']);
		await home.output(['send', 'second word'], {cwd: hub.home});
		await expect.poll(() => shown, {timeout: 30_000}).toContain('second word');
	});

	test('that came without tokens, as after an interruption, reach each agent through its server, or at the second attempt', async () => {
		await joined();
		const agent = new PlayedAgent(home, folder);
		closing.push(() => agent.close());
		expect(await agent.call('list_agents')).toMatchObject({isError: false});
		const rotate = () =>
			fetch(`${hub.url}/agentmux/v1/keys`, {
				method: 'POST',
				headers: {authorization: `Bearer ${keys().service_role_key}`},
			});
		expect((await rotate()).status).toBe(204);
		expect(await agent.call('list_agents')).toMatchObject({isError: false});
		expect(await ways(place().token)).toEqual(all('yes'));
		expect((await rotate()).status).toBe(204);
		await home.output(['hub', 'rotate-keys']);
		expect(await ways(place().token)).toEqual(all('yes'));
		expect(await fire({home: hub.home, tag: me, event: 'UserPromptSubmit'})).toMatchObject({code: 0, stderr: ''});
	});

	test('can be requested only by the service role', async () => {
		const before = keys();
		for (const bearer of [before.anon_key, sign(), hub.tokenFor('HUMAN', 'human')]) {
			const response = await fetch(`${hub.url}/agentmux/v1/keys`, {
				method: 'POST',
				headers: {authorization: `Bearer ${bearer}`},
			});
			expect(response.status).toBe(401);
		}
		expect(keys()).toEqual(before);
	});
});

describe('a clock that jumps', () => {
	const clockModule = new URL('../../docs/pictures/clock.ts', import.meta.url).href;

	test.each([
		['two years forward, and back', [2, 0]],
		['a year back, and forward', [-1, 0]],
	] as const)('%s locks nobody out', async (_, jumps) => {
		const clock = join(hub.home, `clock_${count}`);
		const set = (years: number): void => writeFileSync(clock, String(Date.now() + years * year * 1000));
		const env = {AGENTMUX_CLOCK: clock, NODE_OPTIONS: `--import=${clockModule}`};
		set(0);
		const own = await startTestHub({cli, env});
		const other = Home.at(own.home);
		closing.push(() => own.stop());
		const project = join(own.home, 'project');
		mkdirSync(project);
		await other.output(['join', me, '--dir', project], {env});
		for (const years of jumps) {
			set(years);
			expect(await other.json(['send', 'a human'], {env, cwd: own.home})).toMatchObject({author_kind: 'human'});
			expect(await other.json(['send', 'an agent'], {env, cwd: project})).toMatchObject({author_tag: me});
			const hook = await fire({home: own.home, tag: me, event: 'UserPromptSubmit', env});
			expect([years, hook]).toEqual([years, expect.objectContaining({code: 0, stderr: ''})]);
			const session = spawn(process.execPath, [cli, 'mcp', '--as', me], {cwd: project, env: other.env(env)});
			session.stdin.end();
			expect(await new Promise(resolve => session.once('close', resolve))).toBe(0);
		}
		const log = (): string => readFileSync(join(placesIn(own.home).logs, 'hook.log'), 'utf8');
		expect(log).toThrow('ENOENT');
	});
});
