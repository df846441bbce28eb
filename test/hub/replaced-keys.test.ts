import {expect, it, onTestFinished} from 'vitest';
import {startServer} from '../../source/hub/process/server.ts';
import {signToken} from '../../source/hub/tokens/token.ts';

it('a request with keys that were replaced meanwhile gets no token', async () => {
	const [old, next] = ['o', 'n'].map(letter => letter.repeat(40));
	let jwtSecret = String(old);
	const server = await startServer(
		{
			get jwtSecret() {
				return jwtSecret;
			},
			routes: [
				{
					prefix: '/tokens',
					givesTokens: true,
					async handle() {
						jwtSecret = String(next);
						return {status: 201, body: signToken(jwtSecret, {role: 'authenticated'})};
					},
				},
			],
			upgrade: () => undefined,
			health: () => ({}),
			log: () => undefined,
		},
		0,
	);
	onTestFinished(() => server.close());
	const ask = (secret: string): Promise<Response> =>
		fetch(`http://127.0.0.1:${server.port}/tokens`, {headers: {apikey: signToken(secret, {role: 'service_role'})}});
	const refused = await ask(String(old));
	expect(refused.status).toBe(401);
	expect(await refused.json()).toEqual({message: 'The keys of the hub were replaced meanwhile.'});
	expect((await ask(String(next))).status).toBe(201);
});
