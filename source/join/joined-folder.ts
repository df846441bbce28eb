import {readdirSync, readFileSync, realpathSync} from 'node:fs';
import {join} from 'node:path';
import {isTag, type Tag} from '../mailbox/tag.ts';
import {foldersAbove} from './clients/above.ts';
import {clients} from './clients/clients.ts';
import type {ClientId} from './clients/dialect.ts';

/** An agent that has joined in a folder. */
interface JoinedAgent {
	readonly tag: Tag;
	/** The clients for which join has written files there that leave has not removed. */
	readonly clients: readonly ClientId[];
}

export interface JoinedFolder {
	readonly folder: string;
	readonly agents: readonly JoinedAgent[];
}

/**
 * The joined folders among `cwd` and the folders above it, the nearest first. This relies on the credentials in our home, because
 * an agent could change the files in its folder. `data` is the data folder.
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

/** Skips damaged files; whoever uses one gets an error. */
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
		// No agent has joined yet.
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
		// It was removed while we are in it; its former path is good enough.
		return folder;
	}
}
