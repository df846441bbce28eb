// A bare WebSocket server: sends the frames that it is given to all its clients, and does nothing else.
import type {AddressInfo} from 'node:net';
import {WebSocketServer} from 'ws';
import type {FromBare, ToBare} from './messages.ts';

const tell = (message: FromBare): void => void process.send?.(message);
const server = new WebSocketServer({host: '127.0.0.1', port: 0, perMessageDeflate: false});
server.on('listening', () => tell({port: (server.address() as AddressInfo).port}));
process.on('message', ({send}: ToBare) => {
	tell({begun: String(process.hrtime.bigint())});
	// As a change comes to a server: one after the other, each to be encoded.
	for (const frame of send) {
		const data = Buffer.from(frame);
		for (const client of server.clients) client.send(data, {binary: false});
	}
});
process.on('disconnect', () => process.exit(0));
