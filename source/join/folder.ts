import {join} from 'node:path';
import type {Tag} from '../mailbox/tag.ts';
import {claude, filesOf, clients, type Client} from './clients/clients.ts';
import type {Launcher, ServerOptions} from './clients/entries.ts';
import type {Credentials} from './files/credentials-file.ts';
import {askGit, planExclude, repositoryOf} from './files/exclude-file.ts';
import type {Edit} from './files/file-edit.ts';
import {planGuidance} from './files/guidance-file.ts';
import {planServers} from './files/mcp-file.ts';
import {planHooks, planPluginPermission} from './files/settings-file.ts';
import {planTomlServers} from './files/toml-file.ts';
import {isToml, planFormerRemoval, planRemoval, restored} from './joined-files.ts';

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
	const all = clients.flatMap(filesOf).map(name => join(folder, name));
	const exclude = await planExclude(folder, repository, {add, own: all});
	return exclude.before === exclude.after ? remarked : [...remarked, exclude];
}
