import {once} from 'node:events';
import {Agent, request} from 'node:http';
import {connect, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, describe, expect, it} from 'vitest';
import {bodyLimits} from '../../../source/hub/http/request-body.ts';
import {connectionLimits} from '../../../source/hub/http/connections.ts';
import type {Handler} from '../../../source/hub/http/http.ts';
import {startServer, type HubServer, type ServerLimits} from '../../../source/hub/process/server.ts';
import {signToken} from '../../../source/hub/tokens/token.ts';

const secret = 'a secret of the test';
const agentToken = (tag: string): string => signToken(secret, {role: 'authenticated', app_metadata: {agent_tag: tag}});

let server: HubServer;
const open: Socket[] = [];
/** The `countAs` of each WebSocket, in the order in which they were opened. */
const counting: ((holder: string) => void)[] = [];
afterEach(async () => {
	for (const socket of open.splice(0)) socket.destroy();
	await server.close();
});

async function start(limits: Partial<ServerLimits> = {}): Promise<void> {
	const handle: Handler = async ({body}) => ({status: 200, body: String(body.length)});
	server = await startServer(
		{
			jwtSecret: secret,
			routes: [{prefix: '/rest/v1', handle}],
			upgrade(_, socket, _head, countAs) {
				counting.push(countAs);
				socket.resume().on('end', () => socket.end());
				socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
			},
			health: () => ({}),
			limits,
			log: () => undefined,
		},
		0,
	);
}

async function dialled(): Promise<Socket> {
	const socket = connect(server.port, '127.0.0.1');
	socket.on('error', () => undefined);
	open.push(socket);
	await once(socket, 'connect');
	return socket;
}

/** The status of a request on a new connection, which stays open with `agent`; null if there is no response. */
function ask(token: string, agent: Agent | false = false): Promise<number | null> {
	return new Promise(resolve => {
		const headers = {apikey: token, host: `127.0.0.1:${server.port}`};
		const asked = request(
			{port: server.port, host: '127.0.0.1', path: '/rest/v1/messages', headers, agent},
			response => {
				response.resume();
				response.on('end', () => resolve(response.statusCode ?? null));
			},
		);
		asked.on('error', () => resolve(null));
		asked.end();
	});
}

/** The first response on a socket. */
async function firstLine(socket: Socket): Promise<string> {
	const [data] = (await once(socket, 'data')) as [Buffer];
	return data.toString('latin1').split('\r\n')[0] ?? '';
}

function upgrade(token: string): string {
	const head = [
		`GET /realtime/v1/websocket?vsn=2.0.0&apikey=${token} HTTP/1.1`,
		`host: 127.0.0.1:${server.port}`,
		'connection: Upgrade',
		'upgrade: websocket',
	];
	return `${head.join('\r\n')}\r\n\r\n`;
}

describe('connections that send nothing', () => {
	it('lock nobody out, however many they are', async () => {
		await start();
		const token = agentToken('CLAUDE_1');
		const answers: (number | null)[] = [];
		for (let nth = 0; nth < 1200; nth++) {
			await dialled();
			if (nth % 40 === 0) answers.push(await ask(token));
		}
		expect(new Set(answers)).toEqual(new Set([200]));
		expect(answers).toHaveLength(30);
		await expect
			.poll(() => open.filter(socket => !socket.closed).length, {timeout: 10_000})
			.toBeLessThanOrEqual(connectionLimits.unknown);
	});

	it('nor do those that send half a request, nor those with an invalid key', async () => {
		await start();
		const token = agentToken('CLAUDE_1');
		const answers: (number | null)[] = [];
		for (let nth = 0; nth < 600; nth++) {
			const socket = await dialled();
			socket.write(nth % 2 === 0 ? 'GET /rest/v1/messages HTTP/1.1\r\nhost: 127.0' : upgrade('no.such.key'));
			if (nth % 40 === 0) answers.push(await ask(token));
		}
		expect(new Set(answers)).toEqual(new Set([200]));
	});
});

describe('the holder of one token', () => {
	it('uses up only its own share, by requests and by WebSockets', async () => {
		await start({connections: {unknown: 20, holder: 5, known: 100}});
		const agent = new Agent({keepAlive: true, maxSockets: Infinity});
		try {
			const greedy = agentToken('GREEDY');
			const answers = await Promise.all(Array.from({length: 12}, () => ask(greedy, agent)));
			expect(answers.filter(status => status === 200)).toHaveLength(5);
			expect(answers.filter(status => status === 429)).toHaveLength(7);
			const refused = await dialled();
			refused.write(upgrade(greedy));
			expect(await firstLine(refused)).toBe('HTTP/1.1 429 Too Many Requests');
			expect(await ask(agentToken('OTHER'))).toBe(200);
		} finally {
			agent.destroy();
		}
		// What it closed, it may open again.
		const socket = await dialled();
		await expect.poll(() => ask(agentToken('GREEDY')), {timeout: 10_000}).toBe(200);
		socket.write(upgrade(agentToken('GREEDY')));
		expect(await firstLine(socket)).toBe('HTTP/1.1 101 Switching Protocols');
	});
});

describe('the holders of the anon key', () => {
	it('make room for the newest of them, except those that have joined with their own token', async () => {
		counting.length = 0;
		await start({connections: {unknown: 20, holder: 5, known: 100}});
		const anon = signToken(secret, {role: 'anon'});
		const live = async (): Promise<Socket> => {
			const socket = await dialled();
			socket.write(upgrade(anon));
			expect(await firstLine(socket)).toBe('HTTP/1.1 101 Switching Protocols');
			return socket;
		};
		const agent = await live();
		counting[0]?.('authenticated CLAUDE_1');
		const noise: Socket[] = [];
		for (let nth = 0; nth < 20; nth++) noise.push(await live());
		await expect.poll(() => noise.filter(socket => socket.closed).length, {timeout: 10_000}).toBe(15);
		expect(noise.slice(-5).some(socket => socket.closed)).toBe(false);
		expect(agent.closed).toBe(false);
		expect(await ask(agentToken('CLAUDE_1'))).toBe(200);
	});
});

describe('bodies', () => {
	const post = (token: string, length: number): string =>
		[
			'POST /rest/v1/messages HTTP/1.1',
			`host: 127.0.0.1:${server.port}`,
			`apikey: ${token}`,
			`content-length: ${length}`,
			'',
			'',
		].join('\r\n');

	it('that arrive too slowly are aborted, and those at the speed of the line are not', async () => {
		await start({bodies: {...bodyLimits, time: 500, rate: 2000}});
		const token = agentToken('SLOW');
		const slow = await dialled();
		slow.write(post(token, 100_000));
		const drip = setInterval(() => slow.write('x'), 50);
		try {
			expect(await firstLine(slow)).toBe('HTTP/1.1 408 Request Timeout');
			await once(slow, 'close');
		} finally {
			clearInterval(drip);
		}
		const steady = await dialled();
		steady.write(post(token, 40_000));
		const answered = firstLine(steady);
		for (let nth = 0; nth < 40; nth++) {
			steady.write('x'.repeat(1000));
			await sleep(25);
		}
		expect(await answered).toBe('HTTP/1.1 200 OK');
	});

	it('of a client without a key are not read', async () => {
		await start();
		const stranger = await dialled();
		stranger.write(post('no.such.key', 10_000_000));
		expect(await firstLine(stranger)).toBe('HTTP/1.1 401 Unauthorized');
		await once(stranger, 'close');
	});

	it('use a limited amount of memory together', async () => {
		await start({bodies: {...bodyLimits, total: 1_000_000}});
		const token = agentToken('LARGE');
		const halves = [];
		for (let nth = 0; nth < 4; nth++) {
			const socket = await dialled();
			socket.write(`${post(token, 600_000)}${'x'.repeat(300_000)}`);
			halves.push(socket);
		}
		const lines = await Promise.race(halves.map(firstLine));
		expect(lines).toBe('HTTP/1.1 503 Service Unavailable');
		for (const socket of halves) socket.destroy();
		await expect.poll(() => ask(token), {timeout: 10_000}).toBe(200);
	});
});
