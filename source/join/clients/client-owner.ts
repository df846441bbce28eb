import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {makePrivateFolder, writePrivateFile} from '../../hub/files/private-file.ts';
import {foldTag, isTag, type Tag} from '../../mailbox/tag.ts';

/*
 * Records which agent a running client works as, according to the agents' servers that it started. What its shell says (AGENTMUX_TAG,
 * the current folder) can be changed by whoever uses the shell. Works only for clients that identify themselves in the environment.
 */

/** Records that this process serves the agent for the client in `env`. Returns a function that removes the record. */
export function claimClient(state: string, env: NodeJS.ProcessEnv, tag: Tag): () => void {
	const folder = clientsFolder(state);
	const paths = namesOf(env).map(name => join(folder, `${name}.${foldTag(tag)}.json`));
	if (paths.length === 0) return () => undefined;
	try {
		makePrivateFolder(folder);
		for (const {path, isAlive} of claimsIn(folder)) if (!isAlive) rmSync(path, {force: true});
		for (const path of paths) writePrivateFile(path, `${JSON.stringify({tag, pid: process.pid})}\n`);
		return () => {
			for (const path of paths) rmSync(path, {force: true});
		};
	} catch {
		// A full disk must not keep an agent from its mail.
		return () => undefined;
	}
}

/** The agents that the client in `env` works as; empty if that is not known. */
export function clientOwners(state: string, env: NodeJS.ProcessEnv): Tag[] {
	const names = namesOf(env);
	if (names.length === 0) return [];
	const own = claimsIn(clientsFolder(state)).filter(({name}) => names.some(each => name.startsWith(`${each}.`)));
	return [...new Set(own.flatMap(({tag, isAlive}) => (isAlive ? [tag] : [])))];
}

interface Claim {
	readonly name: string;
	readonly path: string;
	readonly tag: Tag;
	readonly isAlive: boolean;
}

function claimsIn(folder: string): Claim[] {
	const claims: Claim[] = [];
	for (const name of namesIn(folder)) {
		if (!name.endsWith('.json')) continue;
		const path = join(folder, name);
		try {
			const {tag, pid} = JSON.parse(readFileSync(path, 'utf8')) as {readonly tag?: unknown; readonly pid?: unknown};
			if (typeof tag !== 'string' || !isTag(tag) || typeof pid !== 'number') continue;
			claims.push({name, path, tag, isAlive: runs(pid)});
		} catch {
			continue;
		}
	}
	return claims;
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

function runs(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
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
