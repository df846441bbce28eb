import {chmodSync, lstatSync, rmSync} from 'node:fs';
import type {Server} from 'node:net';
import {havePrivateFolder} from './private-folder.ts';
import {socketPlaces, thisMachine} from './socket-path.ts';

/** How often it is looked whether the socket is still there: whoever tidies up /tmp or ends a login session takes it away. */
const lookEvery = 1000;

export interface LocalListener {
	/** Null where no socket could be made. */
	readonly path: string | null;
	/** It is no longer looked after; whoever made the server closes it. */
	leave(): void;
}

/**
 * Lets a server listen for this user's own programs: on a Unix socket in a folder that is closed to all others, or on a named
 * pipe. `serve` makes a server for a path; `moved` is called with the new path after the socket was taken away. Only for the
 * holder of the hub's lock: what lies in the place is taken for the socket of a dead hub.
 */
export async function listenLocally(
	state: string,
	serve: (path: string) => Server,
	moved: (path: string | null) => void,
	isInPlace: () => boolean = () => true,
): Promise<LocalListener> {
	let current = await open(state, serve);
	let busy = false;
	let isMissing = false;
	const look = async (): Promise<void> => {
		// What is missing in another hub's folder is not for this one to make.
		if (busy || !isInPlace()) return;
		const wasMissing = isMissing;
		isMissing = current === null || !isThere(current.path);
		// Whoever removes the whole folder begins somewhere.
		if (!isMissing || !wasMissing) return;
		busy = true;
		try {
			current?.server.close();
			current = await open(state, serve).catch(() => null);
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

async function open(state: string, serve: (path: string) => Server): Promise<Open | null> {
	for (const {path, folder} of socketPlaces(state, thisMachine())) {
		if (folder !== null && !(havePrivateFolder(folder) && removeStale(path))) continue;
		const server = serve(path);
		if (!(await listening(server, path))) continue;
		if (folder !== null) chmodSync(path, 0o600);
		return {server, path};
	}
	return null;
}

/** Whether the place is free then: a folder there is nobody's socket. */
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
