import {sep} from 'node:path';
import type {Tag} from '../mailbox/tag.ts';
import {readCredentials, type Credentials} from './files/credentials-file.ts';
import {digest} from './files/credentials-plan.ts';
import {readText} from './files/file-edit.ts';
import {clientsIn, foldersOf} from './joined-files.ts';

/**
 * The credentials of the tag for a join or leave in `folder`; null if it has not joined. If `folder` is one in which it has joined, and
 * that somebody has moved since, they have its new path: what is in its files still is as join left it, and what the user chose for it
 * still holds.
 */
export async function credentialsAt(data: string, tag: Tag, folder: string): Promise<Credentials | null> {
	const credentials = readCredentials(data, tag);
	if (credentials === null || credentials.folders.includes(folder)) return credentials;
	// The files say whose they are: that of the hooks alone is the same for every agent.
	if ((await clientsIn(folder, tag, null)).length === 0) return credentials;
	const present = await foldersOf(data, tag);
	for (const former of credentials.folders.filter(each => !present.includes(each))) {
		if (await isSame(credentials.files, former, folder)) return withMoved(credentials, former, folder);
	}
	return credentials;
}

/** Whether a file of `folder` is as join left it in `former`. */
async function isSame(files: Credentials['files'], former: string, folder: string): Promise<boolean> {
	for (const [path, {sha256}] of Object.entries(files)) {
		if (!path.startsWith(former + sep)) continue;
		const text = await readText(movedPath(path, former, folder)).catch(() => null);
		if (text !== null && digest(text) === sha256) return true;
	}
	return false;
}

/** With the paths of what was in `former`, which is now `folder`. */
function withMoved(credentials: Credentials, former: string, folder: string): Credentials {
	const move = (path: string): string => movedPath(path, former, folder);
	return {
		...credentials,
		folders: credentials.folders.map(move),
		no_sql: credentials.no_sql.map(move),
		headless: credentials.headless.map(move),
		files: Object.fromEntries(Object.entries(credentials.files).map(([path, known]) => [move(path), known])),
	};
}

function movedPath(path: string, former: string, folder: string): string {
	return path === former || path.startsWith(former + sep) ? folder + path.slice(former.length) : path;
}
