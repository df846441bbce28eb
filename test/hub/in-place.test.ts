import {expect, test} from 'vitest';
import {startServer} from '../../source/hub/process/server.ts';
import {signToken} from '../../source/hub/tokens/token.ts';

test('requests that were running when the folder was moved are not answered', async () => {
	const jwtSecret = 'a secret of the hub';
	let inPlace = true;
	const server = await startServer(
		{
			jwtSecret,
			routes: [
				{
					prefix: '/rest/v1',
					async handle({path}) {
						if (path === '/moved') inPlace = false;
						return {status: 201};
					},
				},
			],
			upgrade: () => undefined,
			health: () => ({}),
			isInPlace: () => inPlace,
			log: () => undefined,
		},
		0,
	);
	try {
		const token = signToken(jwtSecret, {role: 'service_role'});
		const ask = (path: string): Promise<number> =>
			fetch(`http://127.0.0.1:${server.port}/rest/v1${path}`, {headers: {authorization: `Bearer ${token}`}}).then(
				({status}) => status,
			);
		expect(await ask('/messages')).toBe(201);
		await expect(ask('/moved')).rejects.toThrow('fetch failed');
	} finally {
		await server.close();
	}
});
