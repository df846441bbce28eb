import {createHash} from 'node:crypto';
import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {type Tag} from '../mailbox/tag.ts';
import {claude, clients, type Client} from './clients/clients.ts';
import type {Launcher} from './clients/entries.ts';
import {readText, type Edit} from './files/file-edit.ts';
import {planGuidance, planUnguide} from './files/guidance-file.ts';
import {planJoin, planLeave} from './files/mcp-file.ts';
import {credentialsFile, readCredentials, type Credentials} from './files/credentials-file.ts';
import {planHooks, planUnhook} from './files/settings-file.ts';
import {planTomlJoin, planTomlLeave} from './files/toml-file.ts';

type Files = Credentials['files'];

/**
 * What is written for an agent in its folder, for each of the clients: its servers, its hooks, what it should know (and
 * `guidance`, Markdown, beyond what every agent is told); one edit a file. Rejects with MailboxError.
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
		const servers = await (isToml(client) ? planTomlJoin : planJoin)(folder, tag, start, client);
		const shared = client.hooks === client.servers;
		const hooks = await planHooks(folder, tag, hook, client, shared ? servers : undefined);
		edits.push(...(shared ? [] : [servers]), hooks, await planGuidance(folder, tag, guidance, client));
	}
	return edits;
}

/**
 * The agent's place in our own home, with what leave needs to put the folder's files back to the byte: how they were, and
 * what join made of them.
 */
export async function planCredentials(
	data: string,
	folder: string,
	edits: readonly Edit[],
	credentials: Pick<Credentials, 'tag' | 'url' | 'key' | 'token' | 'account' | 'owner_sql'>,
): Promise<Edit> {
	const former = readCredentials(data, credentials.tag);
	const written = clients.filter(({servers}) => edits.some(({file}) => file === join(folder, servers)));
	const bare = await unplanned(folder, null, written);
	const files: Record<string, Files[string]> = {...former?.files};
	for (const {file, before, after} of edits) {
		const known = files[file];
		const untouched = bare.find(other => other.file === file)?.after === before;
		if (after === null) continue;
		if (untouched) files[file] = {before, sha256: digest(after)};
		// Joined before: what it was then is known only while nobody else has changed it since.
		else if (known !== undefined && known.sha256 === digest(before)) files[file] = {...known, sha256: digest(after)};
		else delete files[file];
	}
	const others = (await foldersOf(data, credentials.tag)).filter(other => other !== folder);
	return writing(data, {...credentials, folders: [...others, folder], files});
}

/**
 * Where the tag has its place: leave would take something out there. A folder that was removed, moved, or cleared by hand
 * does not count.
 */
export async function foldersOf(data: string, tag: Tag): Promise<string[]> {
	const folders: string[] = [];
	const credentials = readCredentials(data, tag);
	for (const folder of credentials?.folders ?? []) if (await hasPlace(folder, tag, credentials)) folders.push(folder);
	return folders;
}

async function hasPlace(folder: string, tag: Tag, credentials: Credentials | null): Promise<boolean> {
	if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true) return false;
	try {
		const edits = await unplanned(folder, tag, await clientsIn(folder, credentials));
		return edits.some(({before, after}) => before !== after);
	} catch {
		// One of its files cannot be understood just now: nobody can say that the tag is gone from there.
		return true;
	}
}

/**
 * Takes out of the folder what join wrote for the tag, and its place with it when no other folder has it. The folder itself
 * need not be there any more.
 */
export async function planUnfolder(data: string, folder: string, tag: Tag): Promise<Edit[]> {
	const credentials = readCredentials(data, tag);
	const edits = (await unplanned(folder, tag, await clientsIn(folder, credentials))).map(edit => {
		const known = credentials?.files[edit.file];
		const asLeft = known !== undefined && edit.after !== edit.before && known.sha256 === digest(edit.before);
		return asLeft ? {...edit, after: known.before} : edit;
	});
	const changes = edits.some(({before, after}) => before !== after);
	if (credentials === null || !(changes || credentials.folders.includes(folder))) return edits;
	const folders = (await foldersOf(data, tag)).filter(other => other !== folder);
	const files = Object.entries(credentials.files).filter(
		([path]) => existsSync(path) && !edits.some(({file}) => file === path),
	);
	const left = folders.length === 0 ? null : {...credentials, folders, files: Object.fromEntries(files)};
	return [...edits, await writing(data, left, tag)];
}

/** Those that have joined there, as far as their files and the place tell. The files of others need not be such that we understand. */
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

/** Without what join wrote for the tag (null: for any). */
async function unplanned(folder: string, tag: Tag | null, those: readonly Client[]): Promise<Edit[]> {
	const edits: Edit[] = [];
	for (const client of those) {
		const hooks = await planUnhook(folder, tag, client);
		const shared = client.hooks === client.servers;
		const servers = isToml(client)
			? await planTomlLeave(folder, tag, client)
			: await planLeave(folder, tag, client, shared ? hooks : undefined);
		edits.push(servers, ...(shared ? [] : [hooks]), await planUnguide(folder, tag, client));
	}
	return edits;
}

function isToml({servers}: Client): boolean {
	return servers.endsWith('.toml');
}

async function writing(data: string, credentials: Credentials | null, tag = credentials?.tag ?? ''): Promise<Edit> {
	const file = credentialsFile(data, tag);
	const after = credentials === null ? null : `${JSON.stringify(credentials, null, '\t')}\n`;
	return {file, before: await readText(file), after, mode: 0o600, remarks: []};
}

function digest(text: string | null): string {
	return createHash('sha256')
		.update(text ?? '')
		.digest('hex');
}
