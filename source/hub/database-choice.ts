import {join} from 'node:path';
import type {HubPlaces} from './places.ts';
import {readJsonFile, writePrivateFile} from './private-file.ts';
import {embedded} from './postgres-url.ts';

/**
 * Which database the hub of these places serves when nobody says: the one that it served last. Whoever starts the hub may
 * be an agent's client that knows nothing of it, and must not begin with an empty mailbox. A URL, or `embedded`.
 */
export function rememberedDatabase(places: HubPlaces): string {
	const url = readJsonFile(choiceFile(places))?.['url'];
	return typeof url === 'string' ? url : embedded;
}

/** The URL may hold a password: the file is the user's alone, as keys.json is. */
export function rememberDatabase(places: HubPlaces, url: string): void {
	if (rememberedDatabase(places) !== url) writePrivateFile(choiceFile(places), `${JSON.stringify({url})}\n`);
}

function choiceFile(places: HubPlaces): string {
	return join(places.data, 'database.json');
}
