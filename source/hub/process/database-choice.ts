import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPaths} from '../files/paths.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {embedded} from '../database/postgres-url.ts';

/**
 * Which database the hub of these places serves when nobody says: the one that it served last. Whoever starts the hub may
 * be an agent's client that knows nothing of it, and must not begin with an empty mailbox. A URL, or `embedded`.
 */
export function rememberedDatabase(paths: HubPaths): string {
	const path = choiceFile(paths);
	const remedy = 'Name the database again: `agentmux hub start --database-url URL`, or `embedded` for the usual one.';
	const chosen = readJsonFile(path, remedy);
	if (chosen === null) return embedded;
	const {url} = chosen;
	if (typeof url === 'string' && url !== '') return url;
	// Another database than the one that it served would begin with an empty mailbox.
	throw new HubError(`${path} is damaged: it does not say which database the hub serves.`, remedy);
}

/** The URL may hold a password: the file is the user's alone, as keys.json is. */
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
