import type {Server} from 'node:http';
import type {AddressInfo} from 'node:net';

const host = '127.0.0.1';

/** Listens on 127.0.0.1. Rejects as `server.listen` fails. */
export function listen(server: Server, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen({host, port}, () => {
			server.off('error', reject);
			resolve();
		});
	});
}

/** Lets current requests finish, for at most two seconds. */
export async function close(server: Server): Promise<void> {
	const closed = new Promise(resolve => server.close(resolve));
	server.closeIdleConnections();
	const timer = setTimeout(() => server.closeAllConnections(), 2000);
	await closed;
	clearTimeout(timer);
}

/** The port that a server listens on; 0 if it does not. */
export function portOf(server: Server): number {
	return (server.address() as AddressInfo | null)?.port ?? 0;
}

/** Milliseconds between log entries about rejected connections. */
const sayAfter = 60_000;

/** Limits the number of connections: without it, a connection that exceeds the limit of open files would fail silently. */
export function limitConnections(server: Server, maxConnections: number, log: (sentence: string) => void): void {
	if (maxConnections === Infinity) return;
	server.maxConnections = Math.floor(maxConnections / 2);
	let saidAt = -Infinity;
	server.on('drop', () => {
		if (performance.now() - saidAt < sayAfter) return;
		saidAt = performance.now();
		log(`Rejecting connections: there are ${server.maxConnections}, the maximum that the limit of open files allows.`);
	});
}
