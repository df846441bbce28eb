import {createServer, type IncomingMessage, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';

/** An HTTP server on a free port, for responses that a Supabase would not give. */
export async function startAnswering(
	listener: RequestListener,
	upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<{readonly url: string; readonly port: number; stop(): Promise<void>}> {
	const server = createServer(listener);
	if (upgrade !== undefined) server.on('upgrade', upgrade);
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	const {port} = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		port,
		stop: () =>
			new Promise(resolve => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
