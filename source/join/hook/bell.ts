import {closeSync, mkdirSync, openSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {foldTag, type Tag} from '../../mailbox/tag.ts';

/**
 * The file that an agent's idle clients watch on this machine: a change of it starts their FileChanged hook, which wakes
 * them when mail waits. `state` is the folder of what may be lost.
 */
export function bellFile(state: string, tag: Tag): string {
	return join(state, 'bells', foldTag(tag));
}

/** Makes it when it is missing: only what is there is watched everywhere. */
export function hangBell(path: string): void {
	mkdirSync(dirname(path), {recursive: true, mode: 0o700});
	closeSync(openSync(path, 'a', 0o600));
}

/** In place: a file that took its place would be another than the one that is watched. */
export function ringBell(path: string): void {
	hangBell(path);
	writeFileSync(path, `${new Date().toISOString()}\n`);
}
