import {existsSync, statSync} from 'node:fs';
import {realpath} from 'node:fs/promises';
import {join} from 'node:path';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {claude, clients, everyFileOf, filesOf, type Client} from './clients/clients.ts';
import type {Launcher, ServerOptions} from './clients/entries.ts';
import {askGit, isExcludeFile, planExclude, repositoryOf} from './files/exclude-file.ts';
import {readText, type Edit} from './files/file-edit.ts';
import {planGuidance, planGuidanceRemoval} from './files/guidance-file.ts';
import {planServers, planServersRemoval} from './files/mcp-file.ts';
import {everyCredentials, readCredentials, type Credentials} from './files/credentials-file.ts';
import {digest, planCredentialsFile} from './files/credentials-plan.ts';
import {planHooks, planHooksRemoval, planPluginPermission, startsHook} from './files/settings-file.ts';
import {planTomlServers, planTomlServersRemoval} from './files/toml-file.ts';

interface FolderOptions extends ServerOptions {
	readonly clients?: readonly Client[];
	/** Markdown to add to the general text. */
	readonly guidance?: string;
	/** Whether our plugin brings hooks and servers, so that only a permission is written. */
	readonly plugin?: boolean;
	/** What an earlier join has recorded about the files. */
	readonly files?: Credentials['files'];
}

/**
 * Plans an agent's files in its folder for each of the clients: servers, hooks and guidance, and that git ignores those that join
 * creates. What an earlier version wrote into files of the team is moved. One edit per file. Rejects with MailboxError.
 */
export async function planFolder(
	folder: string,
	tag: Tag,
	launcher: Launcher,
	hook: string,
	{
		clients: chosen = [claude],
		guidance = '',
		headless = false,
		sql = true,
		plugin = false,
		files = {},
	}: FolderOptions = {},
): Promise<Edit[]> {
	const edits: Edit[] = [];
	if (plugin) return withExcluded(folder, tag, [claude], [await planPluginPermission(folder)]);
	for (const client of chosen) {
		const start = client.env === undefined ? launcher : {...launcher, env: {...launcher.env, ...client.env}};
		const servers = await (isToml(client) ? planTomlServers : planServers)(folder, tag, start, client, {headless, sql});
		const shared = client.hooks === client.servers;
		const hooks = await planHooks(folder, tag, hook, client, shared ? servers : undefined, {headless});
		edits.push(...(shared ? [] : [servers]), hooks, await planGuidance(folder, tag, guidance, client));
		const moved = (await planFormerRemoval(folder, null, client)).map(edit => restored(edit, files[edit.file]));
		edits.push(...moved.filter(({before, after}) => before !== after));
	}
	return withExcluded(folder, tag, chosen, edits);
}

/** With the edit by which git ignores what join creates, and a remark about what it changes in other files. */
async function withExcluded(
	folder: string,
	tag: Tag,
	chosen: readonly Client[],
	edits: readonly Edit[],
): Promise<Edit[]> {
	const repository = repositoryOf(folder);
	if (repository === null) return [...edits];
	const own = chosen.flatMap(filesOf).map(name => join(folder, name));
	const bare = await planRemoval(folder, null, chosen);
	const isCreated = ({file, before}: Edit): boolean =>
		before === null || bare.some(edit => edit.file === file && edit.after === null);
	const {tracked, ignored} = await askGit(repository, own);
	const add = edits
		.filter(edit => own.includes(edit.file) && isCreated(edit))
		.map(({file}) => file)
		.filter(file => !tracked.includes(file) && !ignored.includes(file));
	const remarked = edits.map(edit => {
		const {file, before, after, remarks} = edit;
		const isSeen = own.includes(file) && before !== after && !add.includes(file) && !ignored.includes(file);
		return isSeen
			? {...edit, remarks: [...remarks, `Do not commit ${file}: it now has lines for ${tag} on this machine.`]}
			: edit;
	});
	const exclude = await planExclude(folder, repository, {add});
	return exclude.before === exclude.after ? remarked : [...remarked, exclude];
}

/**
 * Plans the agent's credentials in our home. They include what leave needs to restore the folder's files exactly: their former
 * texts, and hashes of what join wrote. Also plans those of an agent that this one replaces in the folder.
 */
export async function planCredentials(
	data: string,
	folder: string,
	edits: readonly Edit[],
	{
		sql = true,
		...credentials
	}: Pick<Credentials, 'tag' | 'url' | 'key' | 'token' | 'account' | 'owner_sql'> & Pick<ServerOptions, 'sql'>,
): Promise<Edit[]> {
	const written = clients.filter(client =>
		edits.some(({file}) => filesOf(client).some(name => file === join(folder, name))),
	);
	const own = new Set(written.flatMap(filesOf).map(name => join(folder, name)));
	const former = written.flatMap(everyFileOf).map(name => join(folder, name));
	const replaced = replacedIn(data, folder, credentials.tag, former);
	const bare = await planRemoval(folder, null, written);
	const {files: known = {}, no_sql = []} = readCredentials(data, credentials.tag) ?? {};
	const files = Object.fromEntries(Object.entries(known).filter(([path]) => own.has(path) || !former.includes(path)));
	for (const {file, before, after} of edits) {
		if (after === null || (!own.has(file) && (before === after || former.includes(file)))) continue;
		const earlier = [known, ...replaced.map(other => other.files)].map(each => each[file]);
		const recorded = earlier.find(each => each?.sha256 === digest(before));
		const untouched = own.has(file) && bare.find(other => other.file === file)?.after === before;
		if (untouched) files[file] = {before, sha256: digest(after)};
		// Joined before: the original is known only if nobody has changed the file since.
		else if (recorded !== undefined) files[file] = {...recorded, sha256: digest(after)};
		else files[file] = {before: null, sha256: unknown};
	}
	const others = (await foldersOf(data, credentials.tag)).filter(other => other !== folder);
	// Without files, it works in the folder of another agent, as which the client would be started otherwise.
	const here = edits.length === 0 ? [] : [folder];
	const joined = {
		...credentials,
		folders: [...others, ...here],
		no_sql: [...others.filter(other => no_sql.includes(other)), ...(sql ? [] : here)],
		files,
	};
	return [
		await planCredentialsFile(data, credentials.tag, joined),
		...(await Promise.all(replaced.map(other => planCredentialsFile(data, other.tag, without(other, folder, former))))),
	];
}

/** In the place of a hash: what was in the file before is not known, so that only what join wrote can be removed. */
const unknown = '';

/** The credentials of agents that have joined in the folder by files that another agent's join now writes. */
function replacedIn(data: string, folder: string, tag: Tag, files: readonly string[]): Credentials[] {
	return everyCredentials(data).filter(
		other =>
			!sameTag(other.tag, tag) && other.folders.includes(folder) && files.some(file => other.files[file] !== undefined),
	);
}

/** The credentials without these files, and without the folder if none of its files is left. */
function without(credentials: Credentials, folder: string, gone: readonly string[]): Credentials {
	const files = Object.fromEntries(Object.entries(credentials.files).filter(([path]) => !gone.includes(path)));
	const isThere = clients.flatMap(filesOf).some(name => files[join(folder, name)] !== undefined);
	const isKept = (each: string): boolean => each !== folder || isThere;
	return {
		...credentials,
		files,
		folders: credentials.folders.filter(isKept),
		no_sql: credentials.no_sql.filter(isKept),
	};
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
		const edits = await planRemoval(folder, tag, await clientsIn(folder, tag, credentials));
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
	const files = credentials?.files ?? {};
	const there = await clientsIn(folder, tag, credentials);
	const removed = (await planRemoval(folder, tag, there, files)).map(edit => restored(edit, files[edit.file]));
	const edits = [...removed, ...(await planExcludeRemoval(folder, there, Object.keys(files)))];
	const changes = edits.some(({before, after}) => before !== after);
	if (credentials === null) return edits;
	if (!changes && !credentials.folders.includes(folder) && credentials.folders.length > 0) return edits;
	const folders = (await foldersOf(data, tag)).filter(other => other !== folder);
	const kept = Object.entries(files).filter(
		([path]) => existsSync(path) && (isExcludeFile(path) || !edits.some(({file}) => file === path)),
	);
	const no_sql = credentials.no_sql.filter(each => folders.includes(each));
	const left = folders.length === 0 ? null : {...credentials, folders, no_sql, files: Object.fromEntries(kept)};
	return [...edits, await planCredentialsFile(data, tag, left)];
}

/** Takes out what join listed for git. `recorded`: paths that join recorded, which name the file if the folder is gone. */
async function planExcludeRemoval(
	folder: string,
	there: readonly Client[],
	recorded: readonly string[],
): Promise<Edit[]> {
	const repository = repositoryOf(folder);
	const paths = new Set([...(repository === null ? [] : [repository.exclude]), ...recorded.filter(isExcludeFile)]);
	const remove = (there.length === 0 ? clients : there).flatMap(filesOf).map(name => join(folder, name));
	const edits: Edit[] = [];
	for (const exclude of paths) {
		if (!existsSync(exclude)) continue;
		const isGone = repository?.exclude !== exclude;
		const edit = await planExclude(
			folder,
			{root: repository?.root ?? folder, exclude},
			isGone ? {remove: 'all'} : {remove},
		);
		if (edit.before !== edit.after) edits.push(edit);
	}
	return edits;
}

/** Restores the text from before join if nobody has changed the file since. */
function restored(edit: Edit, known: Credentials['files'][string] | undefined): Edit {
	const isUnchanged = known !== undefined && edit.after !== edit.before && known.sha256 === digest(edit.before);
	return isUnchanged ? {...edit, after: known.before} : edit;
}

/** The clients that the tag has joined in the folder, by the credentials and the files. Files of other clients may be unparsable. */
async function clientsIn(folder: string, tag: Tag, credentials: Credentials | null): Promise<Client[]> {
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
async function planRemoval(
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
async function planFormerRemoval(folder: string, tag: Tag | null, {former, ...client}: Client): Promise<Edit[]> {
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

function isToml({servers}: Client): boolean {
	return servers.endsWith('.toml');
}
