import {spawn} from 'node:child_process';

/** Another program on the hub's port, which records what it receives and responds like a healthy hub. */
export interface Squatter {
	readonly pid: number;
	/** Connections so far. */
	readonly connections: () => number;
	/** All bytes so far. */
	readonly heard: () => string;
	stop(): Promise<void>;
}

const program = `
const answer = JSON.stringify({status: 'ok', pid: process.pid, version: '0.1.0', proof: 'x'.repeat(43)});
const server = require('node:net').createServer(socket => {
	process.send({connections: 1});
	socket.on('error', () => undefined);
	socket.on('data', data => {
		process.send({heard: data.toString('latin1')});
		socket.write('HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: ' + answer.length + '\\r\\n\\r\\n' + answer);
	});
});
server.on('error', error => process.send({failed: error.code}));
server.listen(Number(process.argv[1]), '127.0.0.1', () => process.send({listening: true}));
process.on('disconnect', () => process.exit());
`;

/** Runs as another user if possible. Rejects if the port is in use. */
export async function squat(port: number): Promise<Squatter> {
	const stranger = process.getuid?.() === 0 ? {uid: 65_534, gid: 65_534} : {};
	const child = spawn(process.execPath, ['-e', program, String(port)], {
		...stranger,
		cwd: '/',
		env: {PATH: process.env['PATH'] ?? ''},
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	let connections = 0;
	let heard = '';
	const listening = Promise.withResolvers<void>();
	child.on('message', (said: {connections?: number; heard?: string; listening?: boolean; failed?: string}) => {
		connections += said.connections ?? 0;
		heard += said.heard ?? '';
		if (said.listening === true) listening.resolve();
		if (said.failed !== undefined) listening.reject(new Error(`The port cannot be taken: ${said.failed}.`));
	});
	const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
	void ended.then(() => listening.reject(new Error('The program that takes the port ended.')));
	await listening.promise;
	return {
		pid: child.pid ?? 0,
		connections: () => connections,
		heard: () => heard,
		async stop() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}
