import {readdirSync, type Dirent} from 'node:fs';
import {join} from 'node:path';
import type {HubPaths} from '../files/paths.ts';
import {above} from './above.ts';
import {checkAbove, checkFile, checkFolder} from './entry.ts';

/** Not looked into: the database's own files, and large folders without secrets. */
const left = /^(pg|hooks$|bells$|cache$)/;

/**
 * Checks that no other user can have added or changed anything where the keys, tokens, locks and logs are kept. Returns what it
 * mended, in sentences; throws HubError for what this user must look at. Folders are checked first: once a folder is closed to
 * others, nobody can replace a file in it after the file was checked.
 */
export function checkHome({data, state, logs}: HubPaths): string[] {
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

/** Empty if it is not a folder. */
function entriesOf(folder: string): Dirent[] {
	try {
		return readdirSync(folder, {withFileTypes: true});
	} catch {
		return [];
	}
}
