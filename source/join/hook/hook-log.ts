import {closeSync, constants, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {printable} from '../../printable.ts';

const largest = 64 * 1024;

const {O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK} = constants;
/** Through no link, and without waiting for whoever reads a pipe. */
const appendOnly = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;

/** Appends a line to hook.log in `folder`, for the human; at 64 KiB it becomes hook.log.1, in the place of the one before. */
export function noteFailure(folder: string, sentence: string): void {
	try {
		mkdirSync(folder, {recursive: true, mode: 0o700});
		const path = hookLog(folder);
		const file = openSync(path, appendOnly, 0o600);
		try {
			writeSync(file, `${new Date().toISOString()} ${printable(sentence).slice(0, 1000)}\n`);
		} finally {
			closeSync(file);
		}
		if (statSync(path).size > largest) renameSync(path, `${path}.1`);
	} catch {
		// A full disk must not break an agent's turn over a line in a log.
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
	/** What the last one noted. */
	readonly sentence: string;
}

/** What was noted at or after `since` (milliseconds since 1970); null: nothing. A log that cannot be read holds nothing. */
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
		return readFileSync(path, 'utf8').split('\n');
	} catch {
		return [];
	}
}
