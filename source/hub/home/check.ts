import {readdirSync, type Dirent} from 'node:fs';
import {join} from 'node:path';
import type {HubPlaces} from '../places.ts';
import {above} from './above.ts';
import {checkAbove, checkFile, checkFolder} from './entry.ts';

/** The database's own, and what holds no secret and may be much. */
const left = /^(pg|hooks$|bells$|cache$)/;

/**
 * Looks whether anybody else can have put or changed something where the keys, tokens, locks and logs are kept. Returns what
 * was mended, in sentences; throws HubError for what this user must look at. The folders come first: in one that is closed to
 * all others nobody can put a file in the place of another once it has been looked at.
 */
export function checkHome({data, state, logs}: HubPlaces): string[] {
	const folders = [...new Set([data, state, logs])];
	for (const folder of new Set(folders.flatMap(above))) checkAbove(folder);
	return folders.flatMap(checkTree);
}

function checkTree(folder: string): string[] {
	const said = [checkFolder(folder)];
	for (const entry of entriesOf(folder)) {
		const path = join(folder, entry.name);
		if (!entry.isDirectory()) said.push(checkFile(path));
		else said.push(...(left.test(entry.name) ? [checkFolder(path)] : checkTree(path)));
	}
	return said.filter(sentence => sentence !== null);
}

/** Empty for what is not a folder. */
function entriesOf(folder: string): Dirent[] {
	try {
		return readdirSync(folder, {withFileTypes: true});
	} catch {
		return [];
	}
}
