import {realpathSync} from 'node:fs';
import {join} from 'node:path';
import {isTag, type Tag} from '../mailbox/tag.ts';
import {foldersAbove} from './clients/above.ts';
import {clients, everyFileOf, type Client} from './clients/clients.ts';
import type {ClientId} from './clients/dialect.ts';
import {everyCredentials, readCredentials} from './files/credentials-file.ts';
import {actingTag} from './hook/agent-tag.ts';

/** An agent that has joined in a folder. */
interface JoinedAgent {
	readonly tag: Tag;
	/** The clients for which join has written files there that leave has not removed. */
	readonly clients: readonly ClientId[];
	/** Those of them for which join has written servers and hooks; our plugin brings them for the others. */
	readonly served: readonly ClientId[];
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
	const credentials = everyCredentials(data);
	if (credentials.length === 0) return [];
	const here = realPath(cwd);
	return [here, ...foldersAbove(here)].flatMap(folder => {
		const agents = credentials
			.filter(({folders}) => folders.includes(folder))
			.map(({tag, files}) => ({
				tag,
				clients: clientsIn(folder, Object.keys(files), everyFileOf),
				served: clientsIn(folder, Object.keys(files), ({servers}) => [servers]),
			}));
		return agents.length === 0 ? [] : [{folder, agents}];
	});
}

/** Whether the agent takes part in runs without a user in `cwd`: it has joined with --headless there, or in a folder above. */
export function hasJoinedHeadless(data: string, tag: Tag, cwd: string): boolean {
	const here = realPath(cwd);
	const joined = readCredentials(data, tag)?.headless ?? [];
	return [here, ...foldersAbove(here)].some(folder => joined.includes(folder));
}

/** The argument of the hooks and the server of our plugin, which are the same in every folder. */
export const pluginFlag = '--plugin';

/** Where a hook runs. */
interface HookPlace {
	readonly env: NodeJS.ProcessEnv;
	/** The folder in which its client was started. */
	readonly folder: string;
	readonly client: ClientId;
}

/**
 * The agent for which a hook runs: that of AGENTMUX_TAG (only in Claude Code), of `--as` in its line (which earlier versions of join
 * wrote), or the one that has joined for this client in its folder or the nearest above it. Null where nobody has joined. Throws if it
 * cannot be determined.
 */
export function tagOfHook(data: string, words: readonly string[], {env, folder, client}: HookPlace): Tag | null {
	// Credentials of an early version do not say which clients they are for.
	const isFor = ({clients: those}: JoinedAgent): boolean => those.includes(client) || those.length === 0;
	// A folder between may be another client's: Codex started there runs the hooks of the folder above.
	const here = joinedFolders(data, folder).find(({agents}) => agents.some(isFor));
	// Where join has written hooks of its own, those of our plugin would be a second time the same.
	if (words.includes(pluginFlag) && here?.agents.some(({served}) => served.includes(client)) === true) return null;
	// Other clients are the folder's agent, as their servers are: they inherit the variable of the Claude Code that runs them.
	const acting = client === 'claude' ? actingTag(null, env) : null;
	if (acting !== null) return acting;
	const at = words.indexOf('--as');
	const named = at === -1 ? null : (words[at + 1] ?? '');
	if (named !== null && !isTag(named)) throw new Error(`\`${named}\` is not a tag: use --as TAG to name the agent`);
	if (named !== null) return named;
	const own = here?.agents.filter(isFor) ?? [];
	if (own.length > 1)
		throw new Error(`${own.map(({tag}) => tag).join(' and ')} have joined in ${here?.folder}: join again`);
	return own[0]?.tag ?? null;
}

/** The clients of which one of these files was written in the folder. */
function clientsIn(
	folder: string,
	files: readonly string[],
	namesOf: (client: Client) => readonly string[],
): ClientId[] {
	return clients.filter(client => namesOf(client).some(name => files.includes(join(folder, name)))).map(({id}) => id);
}

function realPath(folder: string): string {
	try {
		return realpathSync(folder);
	} catch {
		// It was removed while we are in it; its former path is good enough.
		return folder;
	}
}
