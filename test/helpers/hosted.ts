import {randomUUID} from 'node:crypto';
import {createServer, request, type IncomingMessage, type ServerResponse} from 'node:http';
import {connect, type AddressInfo, type Socket} from 'node:net';
import {signToken} from '../../source/hub/tokens/token.ts';
import type {TestHub} from './hub.ts';

interface User {
	readonly id: string;
	readonly email: string;
	readonly password: string;
	readonly app_metadata: {readonly [name: string]: unknown};
}

/** A project with Auth, which a hub has not: the calls that an agent's user needs are answered here, all others by the hub. */
export interface Hosted {
	readonly url: string;
	readonly users: Map<string, User>;
	/** How often somebody signed in. */
	signedIn: number;
	/** Seconds for which new tokens are valid. */
	life: number;
	/** As when the email provider is switched off. */
	closed: boolean;
	/** How many users there is room for; beyond them it fails. */
	room: number;
	stop(): void;
}

/** Bodies and statuses as supabase/auth has them (internal/api/admin.go, token.go, errors). */
export async function startHosted(hub: TestHub): Promise<Hosted> {
	const users = new Map<string, User>();
	const to = Number(new URL(hub.url).port);
	const sockets = new Set<Socket>();
	const server = createServer((asked, answer) => {
		void (asked.url?.startsWith('/auth/v1/') === true ? auth(asked, answer) : forward(asked, answer));
	});

	async function auth(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
		const say = (status: number, body: object): void => {
			answer.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
		};
		const fail = (status: number, error_code: string, msg: string): void =>
			say(status, {code: status, error_code, msg});
		const body = JSON.parse((await bodyOf(asked)) || '{}') as Partial<User>;
		const {pathname} = new URL(asked.url ?? '', 'http://there');
		if (pathname.startsWith('/auth/v1/admin/users')) {
			if (asked.headers.authorization !== `Bearer ${hub.serviceRoleKey}`)
				return fail(403, 'not_admin', 'User not allowed');
			const user = users.get(pathname.split('/').at(-1) ?? '');
			if (asked.method !== 'POST' && user === undefined) return fail(404, 'user_not_found', 'User not found');
			if (asked.method === 'GET') return say(200, shown(user));
			if (asked.method === 'DELETE') {
				users.delete(user?.id ?? '');
				return say(200, {});
			}
			if (users.size >= hosted.room) return fail(500, 'unexpected_failure', 'Database error creating new user');
			const {email = '', password = '', app_metadata = {}} = body;
			if ([...users.values()].some(user => user.email === email)) {
				return fail(422, 'email_exists', 'A user with this email address has already been registered');
			}
			const id = randomUUID();
			users.set(id, {id, email, password, app_metadata: {provider: 'email', providers: ['email'], ...app_metadata}});
			return say(200, shown(users.get(id)));
		}
		if (hosted.closed) return fail(422, 'email_provider_disabled', 'Email logins are disabled');
		const user = [...users.values()].find(({email, password}) => email === body.email && password === body.password);
		if (user === undefined) return fail(400, 'invalid_credentials', 'Invalid login credentials');
		hosted.signedIn += 1;
		const iat = Math.floor(Date.now() / 1000);
		const access_token = signToken(hub.jwtSecret, {
			iss: `${hosted.url}/auth/v1`,
			sub: user.id,
			aud: 'authenticated',
			role: 'authenticated',
			iat,
			exp: iat + hosted.life,
			email: user.email,
			app_metadata: user.app_metadata,
		});
		const session = {access_token, token_type: 'bearer', expires_in: hosted.life, expires_at: iat + hosted.life};
		return say(200, {...session, refresh_token: randomUUID().slice(0, 12), user: shown(user)});
	}

	function forward(asked: IncomingMessage, answer: ServerResponse): void {
		const headers = {...asked.headers, host: `127.0.0.1:${to}`};
		const further = request({port: to, path: asked.url, method: asked.method, headers}, from => {
			answer.writeHead(from.statusCode ?? 502, from.headers);
			from.pipe(answer);
		});
		further.on('error', () => answer.destroy());
		asked.pipe(further);
	}

	server.on('upgrade', (asked, client: Socket, head) => {
		const further = connect(to, '127.0.0.1', () => {
			const headers = Object.entries({...asked.headers, host: `127.0.0.1:${to}`});
			const lines = [`GET ${asked.url} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${String(value)}`)];
			further.write(`${lines.join('\r\n')}\r\n\r\n`);
			further.write(head);
			further.pipe(client).pipe(further);
		});
		further.on('error', () => client.destroy());
		client.on('error', () => further.destroy());
	});
	server.on('connection', socket => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	const hosted: Hosted = {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		users,
		signedIn: 0,
		life: 3600,
		closed: false,
		room: Infinity,
		stop() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
	return hosted;
}

function shown(user: User | undefined): object {
	const {password: _, ...rest} = user ?? {password: ''};
	return {aud: 'authenticated', role: 'authenticated', user_metadata: {}, identities: [], ...rest};
}

async function bodyOf(asked: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of asked) text += String(chunk);
	return text;
}
