import {closeSync, constants, openSync, renameSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import type {HubPaths} from './paths.ts';

/** One line about what the hub does. Never a key, a token or a message's content. */
export type Log = (sentence: string) => void;

const largest = 1024 * 1024;

const {O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK} = constants;
/** Through no link, and without waiting for whoever reads a pipe. */
export const appendOnly = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;

export function logFile(paths: HubPaths): string {
	return join(paths.logs, 'hub.log');
}

/** Appends through no link, to a file of this user alone. Throws what the file system throws. */
export function appendTo(path: string, text: string): void {
	const file = openSync(path, appendOnly, 0o600);
	try {
		writeSync(file, text);
	} finally {
		closeSync(file);
	}
}

/** Appends to logs/hub.log with the time; at 1 MiB the file becomes hub.log.1, in the place of the one before. */
export function openLog(paths: HubPaths): Log {
	const path = logFile(paths);
	return sentence => {
		try {
			const line = `${new Date().toISOString()} ${sentence.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}\n`;
			appendTo(path, line);
			if (statSync(path).size > largest) renameSync(path, `${path}.1`);
		} catch {
			// A full disk must not stop the hub over a line in its log.
		}
	};
}
