import {readdirSync, readFileSync, realpathSync} from 'node:fs';
import {join} from 'node:path';
import {isTag, type Tag} from '../mailbox/tag.ts';
import {foldersAbove} from './clients/above.ts';
import {clients} from './clients/clients.ts';
import type {ClientId} from './clients/dialect.ts';

/** Who has joined in a folder. */
interface JoinedAgent {
	readonly tag: Tag;
	/** For which clients join has written something there, and leave not yet taken it out. */
	readonly clients: readonly ClientId[];
}

export interface JoinedFolder {
	readonly folder: string;
	readonly agents: readonly JoinedAgent[];
}

/**
 * The joined folders that `cwd` is or lies in, the nearest first. By what join wrote down in our own home, not by what the
 * folder holds: that is for its agent to change. `data` is the folder of what must not be lost.
 */
export function joinedFolders(data: string, cwd: string): JoinedFolder[] {
	const credentials = credentialsIn(join(data, 'agents'));
	if (credentials.length === 0) return [];
	const here = realPath(cwd);
	return [here, ...foldersAbove(here)].flatMap(folder => {
		const agents = credentials
			.filter(({folders}) => folders.includes(folder))
			.map(({tag, files}) => ({tag, clients: clientsIn(folder, files)}));
		return agents.length === 0 ? [] : [{folder, agents}];
	});
}

interface Written {
	readonly tag: Tag;
	readonly folders: readonly string[];
	readonly files: readonly string[];
}

/** A damaged one belongs to nobody here: whoever uses it is told. */
function credentialsIn(folder: string): Written[] {
	const credentials: Written[] = [];
	for (const name of namesIn(folder)) {
		try {
			const value: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
			const {tag, folders, files} = (value ?? {}) as {readonly [name: string]: unknown};
			if (typeof tag !== 'string' || !isTag(tag) || !Array.isArray(folders)) continue;
			credentials.push({tag, folders: folders.map(String), files: Object.keys(files ?? {})});
		} catch {
			continue;
		}
	}
	return credentials;
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder)
			.filter(name => name.endsWith('.json'))
			.sort();
	} catch {
		// Nobody has joined yet.
		return [];
	}
}

function clientsIn(folder: string, files: readonly string[]): ClientId[] {
	return clients
		.filter(({servers, hooks, guidance}) => [servers, hooks, guidance].some(name => files.includes(join(folder, name))))
		.map(({id}) => id);
}

function realPath(folder: string): string {
	try {
		return realpathSync(folder);
	} catch {
		// It was removed under us: what it was called tells as much.
		return folder;
	}
}
