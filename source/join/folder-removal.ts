import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {clients, filesOf, type Client} from './clients/clients.ts';
import {everyCredentials} from './files/credentials-file.ts';
import {planCredentialsFile, withFolders} from './files/credentials-plan.ts';
import {isExcludeFile, planExclude, repositoryOf} from './files/exclude-file.ts';
import type {Edit} from './files/file-edit.ts';
import {clientsIn, foldersOf, planRemoval, restored} from './joined-files.ts';
import {credentialsAt} from './moved.ts';

/**
 * Plans to remove what join wrote for the tag in the folder, and its credentials if no other folder is left. The folder itself may
 * be gone.
 */
export async function planFolderRemoval(data: string, folder: string, tag: Tag): Promise<Edit[]> {
	const credentials = await credentialsAt(data, tag, folder);
	const files = credentials?.files ?? {};
	const there = await clientsIn(folder, tag, credentials);
	const removed = (await planRemoval(folder, tag, there, files)).map(edit => restored(edit, files[edit.file]));
	const edits = [
		...removed,
		...(await planExcludeRemoval(folder, there, Object.keys(files), othersIn(data, folder, tag))),
	];
	const changes = edits.some(({before, after}) => before !== after);
	if (credentials === null) return edits;
	if (!changes && !credentials.folders.includes(folder) && credentials.folders.length > 0) return edits;
	const folders = (await foldersOf(data, tag)).filter(other => other !== folder);
	const kept = Object.entries(files).filter(
		([path]) => existsSync(path) && (isExcludeFile(path) || !edits.some(({file}) => file === path)),
	);
	const left = {...withFolders(credentials, folders), files: Object.fromEntries(kept)};
	return [...edits, await planCredentialsFile(data, tag, folders.length === 0 ? null : left)];
}

/** The files in the folder that join has written for other agents: git is still to ignore those. */
function othersIn(data: string, folder: string, tag: Tag): string[] {
	const others = everyCredentials(data).filter(each => !sameTag(each.tag, tag) && each.folders.includes(folder));
	return others.flatMap(({files}) => Object.keys(files));
}

/**
 * Takes out what join listed for git, except for the files of others. `recorded`: paths that join recorded, which name the file if the
 * folder is gone.
 */
async function planExcludeRemoval(
	folder: string,
	there: readonly Client[],
	recorded: readonly string[],
	others: readonly string[],
): Promise<Edit[]> {
	const repository = repositoryOf(folder);
	const paths = new Set([...(repository === null ? [] : [repository.exclude]), ...recorded.filter(isExcludeFile)]);
	const filesFor = (those: readonly Client[]): string[] => those.flatMap(filesOf).map(name => join(folder, name));
	const remove = filesFor(there.length === 0 ? clients : there).filter(file => !others.includes(file));
	const edits: Edit[] = [];
	for (const exclude of paths) {
		if (!existsSync(exclude)) continue;
		const isGone = repository?.exclude !== exclude || !existsSync(folder);
		const edit = await planExclude(
			folder,
			{root: repository?.root ?? folder, exclude},
			isGone ? {remove: 'all'} : {remove, own: filesFor(clients)},
		);
		if (edit.before !== edit.after) edits.push(edit);
	}
	return edits;
}
