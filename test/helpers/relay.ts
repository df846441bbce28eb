import {connect, createServer, type AddressInfo, type Socket} from 'node:net';

/**
 * A cable to the server at `port` that can be cut without a word: bytes go on only while `passes` says so. The address in
 * the Host header is changed to the server's own, since a hub answers nobody who calls it by another.
 */
export async function startRelay(
	port: number,
	passes: (chunk: Buffer, to: 'server' | 'client') => boolean,
): Promise<{readonly url: string; stop(): void}> {
	let own = 0;
	const sockets = new Set<Socket>();
	const relay = createServer(client => {
		const server = connect(port, '127.0.0.1');
		client.on('data', chunk => {
			if (!passes(chunk, 'server')) return;
			server.write(Buffer.from(chunk.toString('latin1').replace(`:${own}`, `:${port}`), 'latin1'));
		});
		server.on('data', chunk => {
			if (passes(chunk, 'client')) client.write(chunk);
		});
		for (const [one, other] of [[client, server] as const, [server, client] as const]) {
			sockets.add(one);
			one.on('error', () => other.destroy());
			one.on('close', () => {
				sockets.delete(one);
				other.destroy();
			});
		}
	});
	await new Promise<void>(resolve => {
		relay.listen(0, '127.0.0.1', resolve);
	});
	own = (relay.address() as AddressInfo).port;
	return {
		url: `http://127.0.0.1:${own}`,
		stop() {
			relay.close();
			for (const socket of sockets) socket.destroy();
		},
	};
}
