import {chmodSync, existsSync, lstatSync, rmSync} from 'node:fs';
import type {Server} from 'node:net';
import {dirname} from 'node:path';
import {above} from '../home/above.ts';
import {faultAbove} from '../home/entry.ts';
import type {Log} from '../files/log.ts';
import {makeFolder} from './private-folder.ts';
import {socketCandidates, thisMachine} from './socket-path.ts';

/** Milliseconds between checks that the socket still exists: cleaning /tmp or ending a login session removes it. */
const lookEvery = 1000;

export interface LocalListener {
	/** Null where no socket could be made. */
	readonly path: string | null;
	/** Stops the checks; the caller closes the server. */
	leave(): void;
}

/**
 * Makes a server listen for this user's own programs: on a Unix socket in a folder that is closed to other users, or on a named
 * pipe. `serve` creates a server for a path. `moved` is called with the new path when the socket was removed and recreated. `log` gets
 * one sentence for each folder that another user owns or can write to. Only the holder of the hub's lock may call this: a file at the
 * path is taken for the socket of a dead hub and removed.
 */
export async function listenLocally(
	state: string,
	serve: (path: string) => Server,
	moved: (path: string | null) => void,
	log: Log,
	isInPlace: () => boolean = () => true,
): Promise<LocalListener> {
	const logged = new Set<string>();
	const logOnce = (sentence: string): void => {
		if (!logged.has(sentence)) log(sentence);
		logged.add(sentence);
	};
	let current = await open(state, serve, logOnce);
	let busy = false;
	let isMissing = false;
	const look = async (): Promise<void> => {
		// The folder belongs to another hub now.
		if (busy || !isInPlace()) return;
		const wasMissing = isMissing;
		isMissing = current === null || !isThere(current.path);
		// When a whole folder is being removed, the socket may be the first to go: wait for the next check.
		if (!isMissing || !wasMissing) return;
		busy = true;
		try {
			current?.server.close();
			current = await open(state, serve, logOnce).catch(() => null);
			moved(current?.path ?? null);
		} finally {
			busy = false;
		}
	};
	const timer = setInterval(() => void look(), lookEvery);
	timer.unref();
	if (process.platform === 'win32' || current === null) clearInterval(timer);
	return {
		get path() {
			return current?.path ?? null;
		},
		leave() {
			clearInterval(timer);
		},
	};
}

interface Open {
	readonly server: Server;
	readonly path: string;
}

async function open(state: string, serve: (path: string) => Server, logOnce: Log): Promise<Open | null> {
	for (const {path, folder} of socketCandidates(state, thisMachine())) {
		const fault = folder === null ? null : socketFault(folder);
		if (fault !== null) {
			if (existsSync(dirname(path))) logOnce(fault);
			continue;
		}
		if (folder !== null && !removeStale(path)) continue;
		const server = serve(path);
		if (!(await listening(server, path))) continue;
		if (folder !== null) chmodSync(path, 0o600);
		return {server, path};
	}
	return null;
}

/** Why the folder is not safe for a socket, in sentences; null if it is. Makes the folder if it is missing. */
function socketFault(folder: string): string | null {
	for (const each of above(folder)) {
		const open = faultAbove(each);
		if (open !== null) return `No socket in ${folder}: ${open.join(' ')}`;
	}
	const fault = makeFolder(folder);
	return fault === null ? null : `No socket in ${folder}: it ${fault}. Look who put it there, and remove it.`;
}

/** Whether the path is free now; false if a folder is there. */
function removeStale(path: string): boolean {
	try {
		rmSync(path, {force: true});
		return true;
	} catch {
		return false;
	}
}

function listening(server: Server, path: string): Promise<boolean> {
	return new Promise(resolve => {
		server.once('error', () => resolve(false));
		server.listen({path}, () => resolve(true));
	});
}

function isThere(path: string): boolean {
	return lstatSync(path, {throwIfNoEntry: false})?.isSocket() === true;
}
