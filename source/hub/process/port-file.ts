import {join} from 'node:path';
import type {Log} from '../files/log.ts';
import type {HubPaths} from '../files/paths.ts';
import {writePrivateFile} from '../files/private-file.ts';
import {readOwnFile} from '../files/whole-file.ts';

/** The port of the last run, so that the address in agents' files stays valid; 0 before the first run. */
export function rememberedPort(paths: HubPaths): number {
	try {
		const port = Number(readOwnFile(portFile(paths)));
		return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
	} catch {
		return 0;
	}
}

export function rememberPort(paths: HubPaths, port: number, log: Log): void {
	try {
		writePrivateFile(portFile(paths), `${port}\n`);
	} catch (error) {
		log((error as Error).message);
	}
}

export function portFile(paths: HubPaths): string {
	return join(paths.data, 'port');
}
