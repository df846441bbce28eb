import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {clients, everyFileOf, filesOf} from './clients/clients.ts';
import type {ServerOptions} from './clients/entries.ts';
import {everyCredentials, type Credentials} from './files/credentials-file.ts';
import {digest, planCredentialsFile, withFolders} from './files/credentials-plan.ts';
import {isExcludeFile} from './files/exclude-file.ts';
import type {Edit} from './files/file-edit.ts';
import {foldersOf, planRemoval} from './joined-files.ts';
import {credentialsAt} from './moved.ts';

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
		headless = false,
		...credentials
	}: Pick<Credentials, 'tag' | 'url' | 'key' | 'token' | 'account' | 'owner_sql'> & ServerOptions,
): Promise<Edit[]> {
	const written = clients.filter(client =>
		edits.some(({file}) => filesOf(client).some(name => file === join(folder, name))),
	);
	const own = new Set(written.flatMap(filesOf).map(name => join(folder, name)));
	const former = written.flatMap(everyFileOf).map(name => join(folder, name));
	const replaced = replacedIn(data, folder, credentials.tag, former);
	const bare = await planRemoval(folder, null, written);
	const earlier = await credentialsAt(data, credentials.tag, folder);
	const {files: known = {}, no_sql = [], headless: headlessIn = []} = earlier ?? {};
	// An exclude file that is gone is that of a repository which was moved or removed.
	const files = Object.fromEntries(
		Object.entries(known).filter(([path]) =>
			isExcludeFile(path) ? existsSync(path) : own.has(path) || !former.includes(path),
		),
	);
	for (const {file, before, after} of edits) {
		if (after === null || (!own.has(file) && (before === after || former.includes(file)))) continue;
		const all = [known, ...replaced.map(other => other.files)].map(each => each[file]);
		const recorded = all.find(each => each?.sha256 === digest(before));
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
		headless: [...others.filter(other => headlessIn.includes(other)), ...(headless ? here : [])],
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
	return {...withFolders(credentials, credentials.folders.filter(isKept)), files};
}
