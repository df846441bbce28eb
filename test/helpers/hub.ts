import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {findHub, type RunningHub} from '../../source/hub/process/find.ts';
import type {HubPaths} from '../../source/hub/files/paths.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import {onPostgres} from './engine.ts';
import './no-client.ts';
import {startPostgres, type PostgresServer} from './postgres.ts';
import {startedBefore} from './prepared.ts';
import {cli} from './program.ts';

/** A whole hub in a process of its own, in a temporary home. */
export interface TestHub {
	/** AGENTMUX_HOME for commands that are to find this hub. */
	readonly home: string;
	readonly paths: HubPaths;
	readonly url: string;
	readonly anonKey: string;
	readonly serviceRoleKey: string;
	readonly jwtSecret: string;
	readonly pid: number;
	/** A token as `agentmux join` makes it. */
	tokenFor(tag: string, kind?: 'agent' | 'human'): string;
	/** Stops it: with SIGTERM and `keep`, so that its home can be used again; else it is killed, and its home removed. */
	stop(options?: {readonly keep?: boolean}): Promise<void>;
	/** Kills it. The home is kept. */
	kill(): Promise<void>;
}

export interface TestHubOptions {
	/** An existing home; by default a new temporary one. */
	readonly home?: string;
	/** Lets it make its database itself; by default a home without one is given what a first start makes. */
	readonly isFirst?: boolean;
	/** Another program than the built one. */
	readonly cli?: string;
	/** More for the process's environment. */
	readonly env?: NodeJS.ProcessEnv;
	/** A command that runs the hub: `ip netns exec NAME`. It has to become the hub's process. */
	readonly within?: readonly string[];
}

export function temporaryHome(): string {
	return mkdtempSync(join(tmpdir(), 'agentmux-hub-'));
}

/** As config.ts lays a home out. */
export function placesIn(home: string): HubPaths {
	return {data: join(home, 'data'), state: join(home, 'state'), logs: join(home, 'logs')};
}

/** Starts a hub and resolves when it answers; rejects with its output if it ends before. */
export async function startTestHub(options: TestHubOptions = {}): Promise<TestHub> {
	const home = options.home ?? temporaryHome();
	if (isPreparedFor(home, options)) await startedBefore(home);
	const paths = placesIn(home);
	const database = onPostgres ? await serverOf(home) : null;
	const env = {...(database === null ? {} : {AGENTMUX_DATABASE_URL: database}), ...options.env};
	const child = spawnHub(home, {...options, env});
	let said = '';
	child.stderr?.on('data', (chunk: Buffer) => {
		said += chunk.toString();
	});
	const hub = await answering(paths, child, () => said);
	const end = async (signal: NodeJS.Signals): Promise<void> => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		child.kill(signal);
		await once(child, 'exit');
	};
	return {
		home,
		paths,
		url: hub.url,
		anonKey: hub.anon_key,
		serviceRoleKey: hub.service_role_key,
		jwtSecret: hub.jwt_secret,
		pid: hub.pid,
		tokenFor: (tag, kind = 'agent') => tokenFor(hub.jwt_secret, tag, kind),
		async stop({keep = false} = {}) {
			await end(keep ? 'SIGTERM' : 'SIGKILL');
			if (keep) return;
			rmSync(home, {recursive: true, force: true});
			await servers.get(home)?.stop();
			servers.delete(home);
		},
		kill: () => end('SIGKILL'),
	};
}

/** To make the database in a home takes as long as all else that a hub does until it answers. */
function isPreparedFor(home: string, {cli: program = cli, env = {}, isFirst = false}: TestHubOptions): boolean {
	if (isFirst || onPostgres || program !== cli || env['AGENTMUX_DATABASE_URL'] !== undefined) return false;
	return !existsSync(join(home, 'data'));
}

/** The PostgreSQL of each home, on an engine that needs one. */
const servers = new Map<string, PostgresServer>();

async function serverOf(home: string): Promise<string> {
	const server = servers.get(home) ?? (await startPostgres());
	servers.set(home, server);
	return server.connectionString;
}

/** `agentmux hub run` on that home. */
export function spawnHub(home: string, {cli: program = cli, env = {}, within = []}: TestHubOptions = {}): ChildProcess {
	const [command, ...args] = [...within, process.execPath, program, 'hub', 'run'] as const;
	return spawn(command, args, {
		env: {...process.env, AGENTMUX_HOME: home, ...env},
		stdio: ['ignore', 'ignore', 'pipe'],
	});
}

function tokenFor(secret: string, tag: string, kind: 'agent' | 'human'): string {
	return signToken(secret, {
		iss: 'agentmux',
		role: 'authenticated',
		app_metadata: {agent_tag: tag, kind},
	});
}

async function answering(paths: HubPaths, child: ChildProcess, said: () => string): Promise<RunningHub> {
	for (let waited = 0; waited < 60_000; waited += 25) {
		const hub = await findHub(paths);
		if (hub !== null && hub.pid === child.pid) return hub;
		if (child.exitCode !== null || child.signalCode !== null) {
			throw new Error(`The hub ended with ${child.exitCode ?? child.signalCode}: ${said()}`);
		}
		await sleep(25);
	}
	child.kill('SIGKILL');
	throw new Error(`The hub did not answer: ${said()}`);
}
