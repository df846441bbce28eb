import {createHash} from 'node:crypto';
import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {type Tag} from '../mailbox/tag.ts';
import {claude, clients, type Client} from './clients/clients.ts';
import type {Launcher} from './clients/entries.ts';
import {readText, type Edit} from './files/file-edit.ts';
import {planGuidance, planGuidanceRemoval} from './files/guidance-file.ts';
import {planServers, planServersRemoval} from './files/mcp-file.ts';
import {credentialsFile, readCredentials, type Credentials} from './files/credentials-file.ts';
import {planHooks, planHooksRemoval} from './files/settings-file.ts';
import {planTomlServers, planTomlServersRemoval} from './files/toml-file.ts';

type Files = Credentials['files'];

/**
 * Plans an agent's files in its folder for each of the clients: servers, hooks and guidance. `guidance` is Markdown to add to the
 * general text. One edit per file. Rejects with MailboxError.
 */
export async function planFolder(
	folder: string,
	tag: Tag,
	launcher: Launcher,
	hook: string,
	{clients: chosen = [claude], guidance = ''}: {readonly clients?: readonly Client[]; readonly guidance?: string} = {},
): Promise<Edit[]> {
	const edits: Edit[] = [];
	for (const client of chosen) {
		const start = client.env === undefined ? launcher : {...launcher, env: {...launcher.env, ...client.env}};
		const servers = await (isToml(client) ? planTomlServers : planServers)(folder, tag, start, client);
		const shared = client.hooks === client.servers;
		const hooks = await planHooks(folder, tag, hook, client, shared ? servers : undefined);
		edits.push(...(shared ? [] : [servers]), hooks, await planGuidance(folder, tag, guidance, client));
	}
	return edits;
}

/**
 * Plans the agent's credentials in our home. They include what leave needs to restore the folder's files exactly: their former
 * texts, and hashes of what join wrote.
 */
export async function planCredentials(
	data: string,
	folder: string,
	edits: readonly Edit[],
	credentials: Pick<Credentials, 'tag' | 'url' | 'key' | 'token' | 'account' | 'owner_sql'>,
): Promise<Edit> {
	const former = readCredentials(data, credentials.tag);
	const written = clients.filter(({servers}) => edits.some(({file}) => file === join(folder, servers)));
	const bare = await planRemoval(folder, null, written);
	const files: Record<string, Files[string]> = {...former?.files};
	for (const {file, before, after} of edits) {
		const known = files[file];
		const untouched = bare.find(other => other.file === file)?.after === before;
		if (after === null) continue;
		if (untouched) files[file] = {before, sha256: digest(after)};
		// Joined before: the original is known only if nobody has changed the file since.
		else if (known !== undefined && known.sha256 === digest(before)) files[file] = {...known, sha256: digest(after)};
		else delete files[file];
	}
	const others = (await foldersOf(data, credentials.tag)).filter(other => other !== folder);
	return planFile(data, {...credentials, folders: [...others, folder], files});
}

/**
 * The folders where the tag has joined, so that leave would change something there. Folders that were removed, moved, or cleared
 * by hand do not count.
 */
export async function foldersOf(data: string, tag: Tag): Promise<string[]> {
	const folders: string[] = [];
	const credentials = readCredentials(data, tag);
	for (const folder of credentials?.folders ?? []) if (await isJoined(folder, tag, credentials)) folders.push(folder);
	return folders;
}

async function isJoined(folder: string, tag: Tag, credentials: Credentials | null): Promise<boolean> {
	if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true) return false;
	try {
		const edits = await planRemoval(folder, tag, await clientsIn(folder, credentials));
		return edits.some(({before, after}) => before !== after);
	} catch {
		// One of its files cannot be parsed now, so it cannot be ruled out.
		return true;
	}
}

/**
 * Plans to remove what join wrote for the tag in the folder, and its credentials if no other folder is left. The folder itself may
 * be gone.
 */
export async function planFolderRemoval(data: string, folder: string, tag: Tag): Promise<Edit[]> {
	const credentials = readCredentials(data, tag);
	const edits = (await planRemoval(folder, tag, await clientsIn(folder, credentials))).map(edit => {
		const known = credentials?.files[edit.file];
		const isUnchanged = known !== undefined && edit.after !== edit.before && known.sha256 === digest(edit.before);
		return isUnchanged ? {...edit, after: known.before} : edit;
	});
	const changes = edits.some(({before, after}) => before !== after);
	if (credentials === null || !(changes || credentials.folders.includes(folder))) return edits;
	const folders = (await foldersOf(data, tag)).filter(other => other !== folder);
	const files = Object.entries(credentials.files).filter(
		([path]) => existsSync(path) && !edits.some(({file}) => file === path),
	);
	const left = folders.length === 0 ? null : {...credentials, folders, files: Object.fromEntries(files)};
	return [...edits, await planFile(data, left, tag)];
}

/** The clients that have joined in the folder, by their files and the credentials. Files of other clients may be unparsable. */
async function clientsIn(folder: string, credentials: Credentials | null): Promise<Client[]> {
	const found: Client[] = [];
	for (const client of clients) {
		const files = [client.servers, client.hooks, client.guidance].map(name => join(folder, name));
		const texts = await Promise.all(files.map(file => readText(file).catch(() => null)));
		const ours = texts.some(text => text !== null && /agentmux|hook\.cjs/.test(text));
		if (ours || files.some(file => credentials?.files[file] !== undefined)) found.push(client);
	}
	return found;
}

/** Plans to remove what join wrote for the tag (null: for any). */
async function planRemoval(folder: string, tag: Tag | null, those: readonly Client[]): Promise<Edit[]> {
	const edits: Edit[] = [];
	for (const client of those) {
		const hooks = await planHooksRemoval(folder, tag, client);
		const shared = client.hooks === client.servers;
		const servers = isToml(client)
			? await planTomlServersRemoval(folder, tag, client)
			: await planServersRemoval(folder, tag, client, shared ? hooks : undefined);
		edits.push(servers, ...(shared ? [] : [hooks]), await planGuidanceRemoval(folder, tag, client));
	}
	return edits;
}

function isToml({servers}: Client): boolean {
	return servers.endsWith('.toml');
}

async function planFile(data: string, credentials: Credentials | null, tag = credentials?.tag ?? ''): Promise<Edit> {
	const file = credentialsFile(data, tag);
	const after = credentials === null ? null : `${JSON.stringify(credentials, null, '\t')}\n`;
	return {file, before: await readText(file), after, mode: 0o600, remarks: []};
}

function digest(text: string | null): string {
	return createHash('sha256')
		.update(text ?? '')
		.digest('hex');
}
