import {readdirSync, readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {clientKey} from './client.ts';

/** The status that a running Claude Code reports. */
interface ClientStatus {
	/** `busy`, `waiting` (for a permission) or `idle`. */
	readonly status: string;
	/** Milliseconds since 1970. */
	readonly since: number;
	/** Whether the process that wrote it is still there, as far as the file names it. */
	readonly isAlive: boolean;
	/** What it waits for, in its own words; absent if it does not say. */
	readonly waitingFor?: string;
}

/**
 * The status that the client of `env` wrote last. Claude Code keeps a small file for each running client (2.1.330, undocumented;
 * older versions write none). Null if it is not known.
 */
export function clientStatus(env: NodeJS.ProcessEnv): ClientStatus | null {
	const socket = env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '';
	return socket === '' ? null : statusIn(env, file => file['messagingSocketPath'] === socket);
}

/** The same of the client that is this process, if it keeps its files where `env` says. */
export function statusOfProcess(env: NodeJS.ProcessEnv, process: number): ClientStatus | null {
	return statusIn(env, ({pid}) => pid === process);
}

function statusIn(env: NodeJS.ProcessEnv, isMeant: (file: Content) => boolean): ClientStatus | null {
	const folder = sessionsFolder(env);
	for (const name of filesIn(folder)) {
		const file = contentOf(join(folder, name));
		if (!isMeant(file)) continue;
		const {status, statusUpdatedAt: since, pid, waitingFor} = file;
		if (typeof status !== 'string' || typeof since !== 'number') return null;
		return {
			status,
			since,
			isAlive: typeof pid !== 'number' || isAlive(pid),
			...(typeof waitingFor === 'string' ? {waitingFor} : {}),
		};
	}
	return null;
}

/** The keys of the running Claude Codes that were started in the folder, by the same files; null for one that names no socket. */
export function runningIn(env: NodeJS.ProcessEnv, folder: string): (string | null)[] {
	const sessions = sessionsFolder(env);
	return filesIn(sessions).flatMap(name => {
		const {cwd, pid, messagingSocketPath: socket} = contentOf(join(sessions, name));
		if (cwd !== folder || typeof pid !== 'number' || !isAlive(pid)) return [];
		return [typeof socket === 'string' ? clientKey({CLAUDE_CODE_MESSAGING_SOCKET: socket}, null) : null];
	});
}

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

function sessionsFolder(env: NodeJS.ProcessEnv): string {
	return join(env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? homedir(), '.claude'), 'sessions');
}

function filesIn(folder: string): string[] {
	try {
		return readdirSync(folder).filter(name => name.endsWith('.json'));
	} catch {
		return [];
	}
}

interface Content {
	readonly [name: string]: unknown;
}

/** Empty if it is being written or damaged. */
function contentOf(path: string): Content {
	try {
		const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
		return typeof value === 'object' && value !== null ? (value as Content) : {};
	} catch {
		return {};
	}
}
