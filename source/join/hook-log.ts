import {appendFileSync, mkdirSync, renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {printable} from '../printable.ts';

const largest = 64 * 1024;

/** Appends a line to hook.log in `folder`, for the human; at 64 KiB it becomes hook.log.1, in the place of the one before. */
export function noteFailure(folder: string, sentence: string): void {
	try {
		mkdirSync(folder, {recursive: true, mode: 0o700});
		const path = join(folder, 'hook.log');
		appendFileSync(path, `${new Date().toISOString()} ${printable(sentence).slice(0, 1000)}\n`, {mode: 0o600});
		if (statSync(path).size > largest) renameSync(path, `${path}.1`);
	} catch {
		// A full disk must not break an agent's turn over a line in a log.
	}
}
