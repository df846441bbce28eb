import {renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {HubPaths} from './paths.ts';
import {appendToOwnFile} from './whole-file.ts';

/** Logs one line. It must never contain a key, a token or the content of a message. */
export type Log = (sentence: string) => void;

const maxSize = 1024 * 1024;

export function logFile(paths: HubPaths): string {
	return join(paths.logs, 'hub.log');
}

/** Appends to logs/hub.log with the time. At 1 MiB, the file is renamed to hub.log.1, replacing the previous one. */
export function openLog(paths: HubPaths): Log {
	const path = logFile(paths);
	return sentence => {
		try {
			const line = `${new Date().toISOString()} ${sentence.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}\n`;
			appendToOwnFile(path, line);
			if (statSync(path).size > maxSize) renameSync(path, `${path}.1`);
		} catch {
			// An error here, as with a full disk, must not stop the hub.
		}
	};
}
