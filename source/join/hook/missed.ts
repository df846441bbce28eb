import {mkdirSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import {appendToOwnFile, readOwnFile} from '../../hub/files/whole-file.ts';
import {fileName} from './hook-session.ts';

/** What a hook had no time for, or could not report because the mailbox did not answer. */
export interface Missed {
	/** Our name of the event. */
	readonly event: string;
	/** The id of a take that it could not give back. */
	readonly take?: string;
}

/** Lines that are read at most; the newest. */
const maxLines = 100;

/** Where the hooks of one client leave such notes for the agent's server: beside the bell. `client` is its key. */
export function missedFile(bell: string, client: string): string {
	return `${bell}.${fileName(client)}.missed`;
}

/** Ignores errors, because the server also looks regularly. */
export function noteMissed(path: string, missed: Missed): void {
	try {
		mkdirSync(dirname(path), {recursive: true, mode: 0o700});
		appendToOwnFile(path, `${JSON.stringify(missed)}\n`);
	} catch {
		// The disk may be full.
	}
}

/** Reads the notes and removes them, so that each is made good once. Renamed first: a hook may be writing. */
export function readMissed(path: string): Missed[] {
	const taken = `${path}.read`;
	try {
		renameSync(path, taken);
		const lines = readOwnFile(taken).split('\n').slice(-maxLines);
		rmSync(taken, {force: true});
		return lines.flatMap(parse);
	} catch {
		return [];
	}
}

function parse(line: string): Missed[] {
	try {
		const {event, take} = JSON.parse(line) as {readonly event?: unknown; readonly take?: unknown};
		if (typeof event !== 'string') return [];
		return [{event, ...(typeof take === 'string' ? {take} : {})}];
	} catch {
		return [];
	}
}
