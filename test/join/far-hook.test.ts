import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createServer as createTlsServer} from 'node:https';
import {createServer, type AddressInfo, type Server, type Socket} from 'node:net';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {bellFile} from '../../source/join/hook/bell.ts';
import {createRest} from '../../source/hub/rest/rest.ts';
import {startServer} from '../../source/hub/process/server.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import {fire, placeAgent, type HookEnd} from '../helpers/hook.ts';
import {makeFormer} from '../schema/former.ts';
import {openInMemory} from '../helpers/prepared.ts';

let home: string;
const ends: (() => unknown)[] = [];
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), 'agentmux-far-'));
	mkdirSync(join(home, 'logs'));
});
afterEach(async () => {
	for (const end of ends.splice(0)) await end();
	rmSync(home, {recursive: true, force: true});
});

const log = () => readFileSync(join(home, 'logs/hook.log'), 'utf8');
const silence = {code: 0, stdout: '', stderr: ''};

/** Listens on a free port of this machine until the test has ended. */
async function listen(server: Server): Promise<number> {
	const sockets = new Set<Socket>();
	server.on('connection', socket => {
		sockets.add(socket);
		socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	ends.push(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return (server.address() as AddressInfo).port;
}

interface There {
	readonly url: string;
	/** The hook's own patience, and not the long time that tests give it on a busy machine. */
	readonly impatient?: boolean;
	readonly env?: NodeJS.ProcessEnv;
}

function fireAt(event: string, {url, impatient = false, env = {}}: There): Promise<HookEnd> {
	placeAgent(home, 'FAR', {key: 'k', url});
	return fire({home, tag: 'FAR', event, env: {...env, ...(impatient ? {AGENTMUX_HOOK_TIMEOUT: ''} : {})}});
}

const row = {
	id: 1,
	tag: 'SENDER',
	content: '[SENDER] hello from afar',
	client_id: null,
	signature: null,
	mentions: [],
	reply_to: null,
	author_tag: null,
	author_kind: null,
	verified: false,
	created_at: '2026-11-25T10:00:00Z',
};
const rows = JSON.stringify([row]);
const answered = (status: string, body: string, type = 'application/json') =>
	`HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Sends a text byte by byte, 20 ms apart. */
function drip(socket: Socket, text: string): void {
	let at = 0;
	const timer = setInterval(() => {
		if (at === text.length) return clearInterval(timer);
		return void socket.write(text.charAt(at++));
	}, 20);
	socket.on('close', () => clearInterval(timer));
}

describe('gives up on a hub that is too slow, and tells only the human', () => {
	const slow: readonly (readonly [what: string, serve: (socket: Socket) => void])[] = [
		['accepts and never answers', socket => socket.resume()],
		['accepts and does not even read', () => undefined],
		['answers after a second', socket => void setTimeout(() => socket.end(answered('200 OK', rows)), 1000)],
		['drips its head', socket => drip(socket, answered('200 OK', rows))],
		[
			'drips its body',
			socket => {
				const whole = answered('200 OK', rows);
				const head = whole.indexOf('\r\n\r\n') + 4;
				socket.write(whole.slice(0, head));
				drip(socket, whole.slice(head));
			},
		],
		[
			'never stops talking',
			socket => {
				socket.write('HTTP/1.1 200 OK\r\n\r\n[');
				const timer = setInterval(() => socket.write(' '.repeat(1000)), 5);
				socket.on('close', () => clearInterval(timer));
			},
		],
	];
	test.each(slow)('%s', async (_, serve) => {
		const url = `http://127.0.0.1:${await listen(createServer(serve))}`;
		placeAgent(home, 'FAR', {key: 'k', url});
		// As in a terminal, where FileChanged could wake the client.
		const env = {AGENTMUX_HOOK_TIMEOUT: '', CLAUDE_CODE_ENTRYPOINT: 'cli'};
		const input = {file_path: bellFile(join(home, 'state'), 'FAR')};
		for (const event of ['UserPromptSubmit', 'PostToolBatch']) {
			expect(await fire({home, tag: 'FAR', event, input, env})).toMatchObject(silence);
			expect(log()).toMatch(new RegExp(`${event} --as FAR: gave up after \\d+ ms\n$`));
		}
		const {code, stdout} = await fireAt('SessionStart', {url, impatient: true});
		expect(code).toBe(0);
		expect(JSON.parse(stdout)).toEqual({
			systemMessage: expect.stringMatching(/^agentmux: new mail is not handed over: gave up after \d+ ms$/),
		});
	});
});

test('where nobody waits for it, gives up after seconds, before the client would kill it', async () => {
	const url = `http://127.0.0.1:${await listen(createServer(socket => socket.resume()))}`;
	placeAgent(home, 'FAR', {key: 'k', url});
	const env = {AGENTMUX_HOOK_TIMEOUT: '', CLAUDE_CODE_ENTRYPOINT: 'cli'};
	const input = {file_path: bellFile(join(home, 'state'), 'FAR')};
	for (const event of ['Stop', 'StopFailure', 'FileChanged', 'SessionEnd']) {
		expect(await fire({home, tag: 'FAR', event, input, env})).toMatchObject(silence);
		// Less than 4 s on a busy machine, where Node itself took some of the client's 5.
		expect(log()).toMatch(new RegExp(`${event} --as FAR: gave up after [1-4]\\d{3} ms\n$`));
	}
});

describe('a server that is not a hub, or speaks another protocol, says nothing to the model', () => {
	test.each([
		['hangs up at once', (socket: Socket) => void socket.end(), /the answer was cut off, or is not HTTP/],
		[
			'breaks off in the middle',
			(socket: Socket) => void socket.end(answered('200 OK', rows).slice(0, -20)),
			/the answer was cut off/,
		],
		['resets the connection', (socket: Socket) => void socket.resetAndDestroy(), /ECONNRESET|EPIPE/],
		['speaks another protocol', (socket: Socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'), /is not HTTP/],
		[
			'answers 404 with a page',
			(socket: Socket) => void socket.end(answered('404 Not Found', '<html>', 'text/html')),
			/not JSON \(status 404\): there is no mailbox at http:\/\/127/,
		],
		[
			'answers 404 with JSON of its own',
			(socket: Socket) => void socket.end(answered('404 Not Found', '{"error":"no such page"}')),
			/status 404: $/m,
		],
		[
			'answers 200 with a page',
			(socket: Socket) => void socket.end(answered('200 OK', '<html>hello</html>', 'text/html')),
			/not JSON \(status 200\)/,
		],
		[
			'answers 503 without a word',
			(socket: Socket) => void socket.end(answered('503 Service Unavailable', '')),
			/status 503/,
		],
		[
			'answers with terminal control bytes',
			(socket: Socket) => void socket.end(answered('500 Oh', JSON.stringify({message: '\u001B[2Jgone'}))),
			/status 500: ␛\[2Jgone/,
		],
	])('%s', async (_, serve, noted) => {
		const url = `http://127.0.0.1:${await listen(createServer(socket => void socket.once('data', () => serve(socket))))}`;
		expect(await fireAt('PostToolBatch', {url})).toMatchObject(silence);
		expect(log()).toMatch(noted);
		const {stdout} = await fireAt('SessionStart', {url});
		expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['systemMessage']);
	});

	test('a database of an older version, without inbox_take', async () => {
		const database = await openInMemory();
		await makeFormer(database, '20261123001000');
		const server = await startServer(
			{
				jwtSecret: 'secret',
				routes: [{prefix: '/rest/v1', handle: createRest(database).handle}],
				upgrade: (_, socket) => socket.destroy(),
				health: () => ({}),
				log: () => undefined,
			},
			0,
		);
		ends.push(async () => {
			await server.close();
			await database.close();
		});
		const url = `http://127.0.0.1:${server.port}`;
		const door = {
			url,
			key: signToken('secret', {role: 'anon'}),
			token: signToken('secret', {role: 'authenticated', app_metadata: {agent_tag: 'FAR', kind: 'agent'}}),
		};
		placeAgent(home, 'FAR', door);
		for (const event of ['UserPromptSubmit', 'PostToolBatch', 'Stop']) {
			expect(await fire({home, tag: 'FAR', event})).toMatchObject(silence);
			expect(log()).toMatch(
				new RegExp(`${event} --as FAR: (inbox_take|hook_take|agent_touch) was refused with status 404: `),
			);
		}
		expect(log()).toContain('The database and this hook have different versions: update the older one');
		const mailbox = connectMailbox(door);
		await expect(mailbox.take({route: 'mcp'})).rejects.toMatchObject({code: 'schema'});
		await mailbox.close();
	});
});

describe('a Supabase project over TLS', () => {
	const pem = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
	// Made for 127.0.0.1 alone, and signed by itself.
	const certificate = {cert: readFileSync(pem('certificate')), key: readFileSync(pem('key'))};
	const trusting = {NODE_EXTRA_CA_CERTS: pem('certificate')};
	const asked: string[] = [];

	async function serve(): Promise<number> {
		asked.length = 0;
		const server = createTlsServer(certificate, (request, response) => {
			let body = '';
			request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
			request.on('end', () => {
				asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
				response.setHeader('content-type', 'application/json');
				response.write(' ');
				response.end(request.url?.includes('hook_take') === true ? `{"messages": ${rows}}` : '1');
			});
		});
		return listen(server);
	}

	test('hands over mail and sends the receipt', async () => {
		const url = `https://127.0.0.1:${await serve()}`;
		const {code, stdout, stderr} = await fireAt('PostToolBatch', {url, env: trusting});
		expect({code, stderr}).toEqual({code: 0, stderr: ''});
		expect(stdout).toContain('hello from afar');
		expect(asked).toEqual([
			expect.stringMatching(
				/^POST \/rest\/v1\/rpc\/hook_take Bearer k \{"p_limit":20,"p_bytes":\d+,"p_route":"tools","p_take_id":"[\d-]+","p_session":"[^"]+","p_ended":"batch","p_stops":true,"p_hears":true\}$/,
			),
			// What waits besides is named.
			`POST /rest/v1/rpc/inbox?select=id Bearer k {"p_reader":"FAR","p_limit":11,"p_free":true}`,
			`POST /rest/v1/rpc/receipt_deliver Bearer k {"p_ids":[1],"p_route":"tools","p_session":"${hostname()}:s1"}`,
		]);
	});

	test.each([
		['that nobody vouches for', '127.0.0.1', {}, /self-signed certificate/],
		['that was made for another host', 'localhost', trusting, /Host: localhost\. is not cert's/],
	])('refuses a certificate %s, sends it nothing, and notes it', async (_, host, env, noted) => {
		const url = `https://${host}:${await serve()}`;
		expect(await fireAt('PostToolBatch', {url, env})).toMatchObject(silence);
		expect(log()).toMatch(noted);
		expect(asked).toEqual([]);
		const {stdout} = await fireAt('SessionStart', {url, env});
		expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['systemMessage']);
	});

	test('gives up on a handshake that is never answered, and on a server without TLS', async () => {
		const silent = await listen(createServer(socket => void socket.resume()));
		expect(await fireAt('Stop', {url: `https://127.0.0.1:${silent}`, impatient: true})).toMatchObject(silence);
		expect(log()).toMatch(/gave up after \d+ ms/);
		const plain = await listen(
			createServer(socket => void socket.once('data', () => socket.end(answered('400 No', '')))),
		);
		expect(await fireAt('Stop', {url: `https://127.0.0.1:${plain}`})).toMatchObject(silence);
		expect(log().trim().split('\n').at(-1)).toMatch(/Stop --as FAR: .*(wrong version number|packet length|record)/i);
	});
});
