import {statSync} from 'node:fs';
import {realpath} from 'node:fs/promises';
import {join} from 'node:path';
import type {Tag} from '../mailbox/tag.ts';
import {clients, everyFileOf, filesOf, type Client} from './clients/clients.ts';
import {readCredentials, type Credentials} from './files/credentials-file.ts';
import {digest} from './files/credentials-plan.ts';
import {readText, type Edit} from './files/file-edit.ts';
import {planGuidanceRemoval} from './files/guidance-file.ts';
import {planServersRemoval} from './files/mcp-file.ts';
import {planHooksRemoval, startsHook} from './files/settings-file.ts';
import {planTomlServersRemoval} from './files/toml-file.ts';

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
		const edits = await planRemoval(folder, tag, await clientsIn(folder, tag, credentials));
		return edits.some(({before, after}) => before !== after);
	} catch {
		// One of its files cannot be parsed now, so it cannot be ruled out.
		return true;
	}
}

/** The clients that the tag has joined in the folder, by the credentials and the files. Files of other clients may be unparsable. */
export async function clientsIn(folder: string, tag: Tag, credentials: Credentials | null): Promise<Client[]> {
	const found: Client[] = [];
	const ours = new RegExp(String.raw`(--as"?,? *"?|agentmux: begin )${tag}(?![\w-])`, 'i');
	for (const client of clients) {
		const files = everyFileOf(client).map(name => join(folder, name));
		const texts = await Promise.all(files.map(file => readText(file).catch(() => null)));
		const isNamed = texts.some(text => text !== null && ours.test(text));
		if (isNamed || files.some(file => credentials?.files[file] !== undefined)) found.push(client);
	}
	return found;
}

/** Plans to remove what join wrote for the tag (null: for any). `files`: what join recorded about them. */
export async function planRemoval(
	folder: string,
	tag: Tag | null,
	those: readonly Client[],
	files: Credentials['files'] = {},
): Promise<Edit[]> {
	const edits: Edit[] = [];
	for (const client of those) {
		const hooks = await planHooksRemoval(folder, tag, client, files[join(folder, client.hooks)]?.before);
		const shared = client.hooks === client.servers;
		const servers = isToml(client)
			? await planTomlServersRemoval(folder, tag, client)
			: await planServersRemoval(folder, tag, client, shared ? hooks : undefined);
		edits.push(servers, ...(shared ? [] : [hooks]), await planGuidanceRemoval(folder, tag, client));
		edits.push(...(await planFormerRemoval(folder, tag, client)));
	}
	return edits;
}

/** Plans to remove what an earlier version wrote for the tag (null: for any) into files of the team, which may be unparsable otherwise. */
export async function planFormerRemoval(folder: string, tag: Tag | null, {former, ...client}: Client): Promise<Edit[]> {
	if (former === undefined) return [];
	const {permissions: _, ...earlier} = {...client, ...former};
	// A CLAUDE.md is often a link to the AGENTS.md in which another client has its section.
	const current = await Promise.all(clients.flatMap(filesOf).map(name => realPath(join(folder, name))));
	const isOwn = async (name: string): Promise<boolean> => !current.includes(await realPath(join(folder, name)));
	const settings = await readText(join(folder, former.hooks)).catch(() => null);
	const hasHooks = settings !== null && startsHook(settings) && (await isOwn(former.hooks));
	return [
		...(hasHooks ? [await planHooksRemoval(folder, tag, earlier)] : []),
		...((await isOwn(former.guidance)) ? [await planGuidanceRemoval(folder, tag, earlier)] : []),
	];
}

/** The path as given if there is no such file. */
async function realPath(path: string): Promise<string> {
	return realpath(path).catch(() => path);
}

export function isToml({servers}: Client): boolean {
	return servers.endsWith('.toml');
}

/** Restores the text from before join if nobody has changed the file since. */
export function restored(edit: Edit, known: Credentials['files'][string] | undefined): Edit {
	const isUnchanged = known !== undefined && edit.after !== edit.before && known.sha256 === digest(edit.before);
	return isUnchanged ? {...edit, after: known.before} : edit;
}
