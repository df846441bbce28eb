import {createHash} from 'node:crypto';
import {existsSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {makePrivateFolder, writePrivateFile} from '../../hub/files/private-file.ts';
import {readOwnFile} from '../../hub/files/whole-file.ts';
import {foldTag, isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {clientKey, clientProcess, isChild, isInteractive} from './client.ts';
import {sessionsFolder} from '../hook/hook-session.ts';
import {isRunning, processesAbove, processOf, type RunningProcess} from './running-process.ts';

/*
 * Records which agent a running client works as, according to the agents' servers that it started. What its shell says (AGENTMUX_TAG,
 * the current folder) can be changed by whoever uses the shell. Works only for clients that identify themselves in the environment.
 * The records also say which sessions of this machine are alive: an agent's server that was killed cannot sign off. A client whose
 * server never ran is recorded by its hooks, in their own files (hook-session.ts); that says nothing about whom it may act as.
 */

/** A client that an agent's server was started by. */
export interface Claim {
	readonly tag: Tag;
	/** The client's key, under which its session is known; null in records of earlier versions. */
	readonly session: string | null;
	/** Whether somebody sits at it, so that it can be woken. */
	readonly interactive: boolean;
	/** Whether the server that recorded it is running. */
	readonly isServed: boolean;
	/** Whether that server or the client itself is running. */
	readonly isAlive: boolean;
	/** Its process; null if it is not known. */
	readonly client: RunningProcess | null;
	/** Its record. */
	readonly path: string;
}

/** The record of a client that this process serves. */
interface OwnClaim {
	/** Writes it again if somebody has removed it. */
	renew(): void;
	/** Removes it, for when the client has ended. */
	release(): void;
}

/** Records that this process serves the agent for the client in `env`. */
export function claimClient(state: string, env: NodeJS.ProcessEnv, tag: Tag): OwnClaim {
	const folder = clientsFolder(state);
	const paths = namesOf(env).map(name => join(folder, `${name}.${foldTag(tag)}.json`));
	const client = clientProcess(env) ?? process.ppid;
	const record = {
		tag,
		pid: process.pid,
		start: processOf(process.pid).start,
		// A server whose client has ended belongs to whoever adopts orphans.
		client: client > 1 ? processOf(client) : null,
		session: clientKey(env, null),
		interactive: isInteractive(env),
	};
	const write = (those: readonly string[]): void => {
		if (those.length === 0) return;
		try {
			makePrivateFolder(folder);
			for (const path of those) writePrivateFile(path, `${JSON.stringify(record)}\n`);
		} catch {
			// A full disk must not keep an agent from its mail.
		}
	};
	write(paths);
	return {
		renew: () => write(paths.filter(path => !existsSync(path))),
		release() {
			// The client may have started another server meanwhile, whose record this is.
			for (const path of paths) if (contentOf(path)?.['pid'] === process.pid) rmSync(path, {force: true});
		},
	};
}

/** The agents that the client in `env` works as; empty if that is not known. */
export function clientOwners(state: string, env: NodeJS.ProcessEnv): Tag[] {
	const names = namesOf(env);
	if (names.length === 0) return [];
	const folder = clientsFolder(state);
	const own = namesIn(folder).filter(name => names.some(each => name.startsWith(`${each}.`)));
	const served = own.flatMap(name => recordIn(join(folder, name)) ?? []).filter(record => claimOf(record).isServed);
	return [...new Set(served.map(({tag}) => tag))];
}

/** All recorded clients of this machine, dead ones too. */
export function recordedClients(state: string): Claim[] {
	const [byServers, byHooks] = [clientsFolder(state), sessionsFolder(state)].map(folder =>
		namesIn(folder).flatMap(name => recordIn(join(folder, name)) ?? []),
	) as [Recorded[], Recorded[]];
	const claims = byServers.map(claimOf);
	const isKnown = ({tag, session}: Recorded): boolean =>
		claims.some(claim => claim.isAlive && claim.session === session && sameTag(claim.tag, tag));
	return [...claims, ...byHooks.filter(record => !isKnown(record)).map(claimOf)];
}

/**
 * Whether the agent's mail is for another client than the headless one in `env`: for one with somebody at it, or, if this one was
 * started in a client's shell, for any other that works as the agent. That is the one in whose shell it runs.
 */
export function isSpokenFor(state: string, tag: Tag, env: NodeJS.ProcessEnv): boolean {
	const own = clientKey(env, null);
	const isOther = ({interactive, session}: Claim): boolean => interactive || (isChild(env) && session !== own);
	return recordedClients(state).some(claim => claim.isAlive && sameTag(claim.tag, tag) && isOther(claim));
}

/**
 * Whether AGENTMUX_TAG, which is `tag`, is that of another client, in whose shell the one in `env` was started: then nobody set it for
 * this one.
 */
export function isInherited(state: string, tag: Tag, env: NodeJS.ProcessEnv): boolean {
	const own = clientKey(env, null);
	const others = recordedClients(state).filter(
		({isAlive, session, ...claim}) => isAlive && session !== own && sameTag(claim.tag, tag),
	);
	if (others.length === 0) return false;
	const above = processesAbove();
	return others.some(({client}) => client !== null && above.includes(client.pid));
}

/** Removes the record of a client that is dead, or that has left. */
export function forgetClient({path}: Claim): void {
	rmSync(path, {force: true});
}

/** What a server or a hook has written down of a client. */
interface Recorded extends Pick<Claim, 'tag' | 'session' | 'interactive' | 'client' | 'path'> {
	/** Null in the record of a hook. */
	readonly server: RunningProcess | null;
}

/** Null if it is missing or damaged, or is the file of a hook that does not know its client. */
function recordIn(path: string): Recorded | null {
	const content = contentOf(path);
	const {tag, session, interactive, client: owner, ...rest} = (content?.['owner'] ?? content ?? {}) as Content;
	const [server, client] = [processIn(rest), processIn(owner)];
	if (typeof tag !== 'string' || !isTag(tag) || (server ?? client) === null) return null;
	return {
		path,
		tag,
		session: typeof session === 'string' ? session : null,
		interactive: interactive === true,
		server,
		client,
	};
}

function claimOf({server, ...record}: Recorded): Claim {
	const isServed = server !== null && isRunning(server);
	return {...record, isServed, isAlive: isServed || (record.client !== null && isRunning(record.client))};
}

type Content = Partial<Record<string, unknown>>;

/** Null if it is missing or damaged. */
function contentOf(path: string): Content | null {
	try {
		const value: unknown = JSON.parse(readOwnFile(path));
		return typeof value === 'object' ? value : null;
	} catch {
		return null;
	}
}

function processIn(value: unknown): RunningProcess | null {
	const {pid, start} = (value ?? {}) as {readonly pid?: unknown; readonly start?: unknown};
	return typeof pid === 'number' ? {pid, start: typeof start === 'string' ? start : null} : null;
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).filter(name => name.endsWith('.json'));
	} catch {
		return [];
	}
}

function clientsFolder(state: string): string {
	return join(state, 'clients');
}

/** The names by which a client identifies itself to what it starts: its session and its socket, though not always both. */
function namesOf(env: NodeJS.ProcessEnv): string[] {
	const ids = ['CLAUDE_CODE_SESSION_ID', 'CLAUDE_CODE_MESSAGING_SOCKET'].map(name => env[name]?.trim() ?? '');
	// Hashed, since they may contain any characters.
	return ids.filter(id => id !== '').map(id => createHash('sha256').update(id).digest('hex').slice(0, 32));
}
