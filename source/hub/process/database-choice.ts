import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPaths} from '../files/paths.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {embedded} from '../database/postgres-url.ts';

/**
 * The default database of the hub with these paths, a URL or `embedded`: the one that it served last. The hub may be started by an
 * agent's client that does not know which database to use, and that must not create an empty mailbox.
 */
export function rememberedDatabase(paths: HubPaths): string {
	const path = choiceFile(paths);
	const remedy = 'Give the database again: `agentmux hub start --database-url URL`, or `embedded` for the default.';
	const chosen = readJsonFile(path, remedy);
	if (chosen === null) return embedded;
	const {url} = chosen;
	if (typeof url === 'string' && url !== '') return url;
	// With the wrong database, the mailbox would be empty.
	throw new HubError(`${path} is damaged: it does not say which database the hub serves.`, remedy);
}

/** The URL may contain a password, so the file is private. */
export function rememberDatabase(paths: HubPaths, url: string): void {
	if (isRemembered(paths, url)) return;
	writePrivateFile(choiceFile(paths), `${JSON.stringify({url})}\n`);
}

function isRemembered(paths: HubPaths, url: string): boolean {
	try {
		return rememberedDatabase(paths) === url;
	} catch {
		return false;
	}
}

export function choiceFile(paths: HubPaths): string {
	return join(paths.data, 'database.json');
}
