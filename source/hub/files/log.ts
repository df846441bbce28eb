import {closeSync, constants, openSync, renameSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import type {HubPaths} from './paths.ts';

/** Logs one line. It must never contain a key, a token or the content of a message. */
export type Log = (sentence: string) => void;

const maxSize = 1024 * 1024;

const {O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK} = constants;
/** Follows no link, and does not wait for the reader of a pipe. */
export const appendOnly = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;

export function logFile(paths: HubPaths): string {
	return join(paths.logs, 'hub.log');
}

/** Appends to a private file, following no link. Throws Node's error. */
export function appendTo(path: string, text: string): void {
	const file = openSync(path, appendOnly, 0o600);
	try {
		writeSync(file, text);
	} finally {
		closeSync(file);
	}
}

/** Appends to logs/hub.log with the time. At 1 MiB, the file is renamed to hub.log.1, replacing the previous one. */
export function openLog(paths: HubPaths): Log {
	const path = logFile(paths);
	return sentence => {
		try {
			const line = `${new Date().toISOString()} ${sentence.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}\n`;
			appendTo(path, line);
			if (statSync(path).size > maxSize) renameSync(path, `${path}.1`);
		} catch {
			// An error here, as with a full disk, must not stop the hub.
		}
	};
}
