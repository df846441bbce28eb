import {createHash, randomBytes} from 'node:crypto';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';

/** The properties of machine and user that determine the path of a socket. */
export interface Machine {
	readonly platform: NodeJS.Platform;
	/** XDG_RUNTIME_DIR; undefined if not set. */
	readonly runtime: string | undefined;
	readonly temporary: string;
	/** Undefined on Windows. */
	readonly uid: number | undefined;
}

export const thisMachine = (): Machine => ({
	platform: process.platform,
	runtime: process.env['XDG_RUNTIME_DIR'],
	temporary: tmpdir(),
	uid: process.getuid?.(),
});

/** A path on which a hub may listen for the programs of its own user. */
export interface SocketCandidate {
	readonly path: string;
	/** The folder that keeps other users away; null for a named pipe. */
	readonly folder: string | null;
}

/**
 * The candidate paths for the hub with that state folder, best first. A socket's path is limited in length (`sun_path`, see unix(7)),
 * and not every file system supports sockets; the fallback is a short path in a folder of the user's own. On Windows, it is a named
 * pipe with a new name at each start, so that no other program can listen there in advance.
 */
export function socketCandidates(state: string, {platform, runtime, temporary, uid}: Machine): SocketCandidate[] {
	const name = createHash('sha256').update(resolve(state)).digest('hex').slice(0, 16);
	if (platform === 'win32') {
		return [{path: String.raw`\\.\pipe\agentmux-${name}-${randomBytes(8).toString('hex')}`, folder: null}];
	}
	const folders = [
		...(runtime === undefined || !runtime.startsWith('/') ? [] : [join(runtime, 'agentmux')]),
		join(temporary, `agentmux-${uid ?? 'me'}`),
	];
	const longest = platform === 'linux' ? 107 : 103;
	return [
		{path: join(state, 'hub.sock'), folder: state},
		...folders.map(folder => ({path: join(folder, `${name}.sock`), folder})),
	].filter(({path}) => Buffer.byteLength(path) <= longest);
}
