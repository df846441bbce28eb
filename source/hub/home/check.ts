import {readdirSync, type Dirent} from 'node:fs';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPaths} from '../files/paths.ts';
import {above} from './above.ts';
import {checkAbove, checkFile, checkFolder} from './entry.ts';

/** Not looked into: the database's own files, and large folders without secrets. */
const left = /^(pg|hooks$|bells$|cache$)/;

/**
 * Checks that no other user can have added or changed anything where the keys, tokens, locks and logs are kept. Returns what it
 * mended, in sentences; throws HubError for what this user must look at. Folders are checked first: once a folder is closed to
 * others, nobody can replace a file in it after the file was checked. `onFault`: is given what is wrong with a file, instead of
 * whoever calls this, for what has to go on and neither follows links nor waits for pipes.
 */
export function checkHome({data, state, logs}: HubPaths, onFault?: (fault: HubError) => void): string[] {
	const folders = [...new Set([data, state, logs])];
	for (const folder of new Set(folders.flatMap(above))) checkAbove(folder);
	return folders.flatMap(folder => checkTree(folder, onFault));
}

function checkTree(folder: string, onFault: ((fault: HubError) => void) | undefined): string[] {
	const said = [checkFolder(folder)];
	for (const entry of entriesOf(folder)) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) {
			said.push(...(left.test(entry.name) ? [checkFolder(path)] : checkTree(path, onFault)));
			continue;
		}
		try {
			said.push(checkFile(path));
		} catch (error) {
			if (onFault === undefined || !(error instanceof HubError)) throw error;
			onFault(error);
		}
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
