import {readdirSync, type Dirent} from 'node:fs';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HubPaths} from '../files/paths.ts';
import {above} from './above.ts';
import {checkAbove, checkFile, checkFolder} from './entry.ts';

/** Folders whose contents are not checked: the database's own files, and large folders without secrets. */
const unchecked = /^(pg|hooks$|bells$|cache$)/;

/**
 * Checks that no other user could have added or changed anything in the folders with keys, tokens, locks and logs. Returns a sentence
 * for each thing that it repaired; throws HubError for anything that needs this user's attention. Folders are checked before their
 * files: once a folder is closed to others, nobody can replace a file in it after the file was checked. `onFault` gets what is wrong
 * with a file instead of a throw; for commands that must go on, and that neither follow links nor wait for pipes.
 */
export function checkHome({data, state, logs}: HubPaths, onFault?: (fault: HubError) => void): string[] {
	const folders = [...new Set([data, state, logs])];
	for (const folder of new Set(folders.flatMap(above))) checkAbove(folder);
	return folders.flatMap(folder => checkTree(folder, onFault));
}

function checkTree(folder: string, onFault: ((fault: HubError) => void) | undefined): string[] {
	const sentences = [checkFolder(folder)];
	for (const entry of entriesOf(folder)) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) {
			sentences.push(...(unchecked.test(entry.name) ? [checkFolder(path)] : checkTree(path, onFault)));
			continue;
		}
		try {
			sentences.push(checkFile(path));
		} catch (error) {
			if (onFault === undefined || !(error instanceof HubError)) throw error;
			onFault(error);
		}
	}
	return sentences.filter(sentence => sentence !== null);
}

/** Empty if it is not a folder. */
function entriesOf(folder: string): Dirent[] {
	try {
		return readdirSync(folder, {withFileTypes: true});
	} catch {
		return [];
	}
}
