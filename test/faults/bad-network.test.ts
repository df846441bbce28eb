import {once} from 'node:events';
import {connect, createServer, type AddressInfo} from 'node:net';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startBadNetwork} from './bad-network.ts';

const sent = 100_000;
const server = createServer(socket => {
	socket.on('error', () => undefined);
	socket.end(Buffer.alloc(sent, 'x'));
});
let port = 0;
beforeAll(async () => {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	({port} = server.address() as AddressInfo);
});
afterAll(() => server.close());

/** How many bytes come through each of five connections, one after the other. */
async function received(seed: number, harmed = true): Promise<number[]> {
	const network = await startBadNetwork(port, {seed, kinds: ['cut']});
	if (harmed) network.harm();
	const counts: number[] = [];
	for (let nth = 0; nth < 5; nth += 1) {
		const client = connect(Number(new URL(network.url).port), '127.0.0.1');
		let count = 0;
		client.on('data', (bytes: Buffer) => (count += bytes.length));
		await once(client, 'close');
		counts.push(count);
	}
	network.stop();
	return counts;
}

test('a bad network cuts where its seed says, and in the middle of what is sent', async () => {
	const counts = await received(7);
	expect(counts.every(count => count < sent)).toBe(true);
	expect(new Set(counts).size).toBeGreaterThan(1);
	expect(await received(7)).toEqual(counts);
	expect(await received(8)).not.toEqual(counts);
});

test('it passes everything through until it is told to interfere', async () => {
	expect(await received(7, false)).toEqual(Array.from({length: 5}, () => sent));
});
