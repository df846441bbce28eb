import {mkdirSync, renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {appendToOwnFile, readOwnFile} from '../../hub/files/whole-file.ts';
import {printable} from '../../printable.ts';

const maxSize = 64 * 1024;

/** Appends a line for the human to hook.log in `folder`. At 64 KiB it is renamed to hook.log.1, replacing the former one. */
export function logFailure(folder: string, sentence: string): void {
	try {
		mkdirSync(folder, {recursive: true, mode: 0o700});
		const path = hookLog(folder);
		appendToOwnFile(path, `${new Date().toISOString()} ${printable(sentence).slice(0, 1000)}\n`);
		if (statSync(path).size > maxSize) renameSync(path, `${path}.1`);
	} catch {
		// Ignored: a full disk must not break an agent's turn because of a log.
	}
}

export function hookLog(folder: string): string {
	return join(folder, 'hook.log');
}

export interface HookFailures {
	readonly count: number;
	/** ISO 8601. */
	readonly first: string;
	readonly last: string;
	/** The last error. */
	readonly sentence: string;
}

/** The failures logged at or after `since` (milliseconds since 1970); null if there are none, or the log cannot be read. */
export function failuresSince(folder: string, since: number): HookFailures | null {
	const path = hookLog(folder);
	const lines = [`${path}.1`, path].flatMap(linesOf);
	const notes = lines.flatMap(line => {
		const [, time = '', sentence = ''] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/.exec(line) ?? [];
		return Date.parse(time) >= since ? [{time, sentence}] : [];
	});
	const [first] = notes;
	const last = notes.at(-1);
	if (first === undefined || last === undefined) return null;
	return {count: notes.length, first: first.time, last: last.time, sentence: last.sentence};
}

function linesOf(path: string): string[] {
	try {
		return readOwnFile(path).split('\n');
	} catch {
		return [];
	}
}
