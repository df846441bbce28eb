import {readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {Tag} from '../mailbox/tag.ts';
import {clients, everyFileOf} from './clients/clients.ts';
import {everyCredentials} from './files/credentials-file.ts';
import {startsHook} from './files/settings-file.ts';

/** A folder in which an agent has joined for a client. */
export interface JoinedPlace {
	readonly tag: Tag;
	readonly folder: string;
	/** The names of the clients. */
	readonly clients: readonly string[];
	/** `gone` if the folder is; `missing` if its hooks are, because somebody removed or stashed the files that join wrote. */
	readonly hooks: 'set up' | 'missing' | 'gone';
}

/** Every folder in which an agent has joined on this machine. `data` is the data folder. */
export function joinedPlaces(data: string): JoinedPlace[] {
	return everyCredentials(data).flatMap(({tag, folders, files}) =>
		folders.map(folder => {
			const own = clients.filter(client => everyFileOf(client).some(name => files[join(folder, name)] !== undefined));
			const isThere = statSync(folder, {throwIfNoEntry: false})?.isDirectory() === true;
			// Where join has written no servers, our plugin brings the hooks.
			const isSetUp = own.every(
				client =>
					files[join(folder, client.servers)] === undefined ||
					everyFileOf(client).some(name => startsHook(textOf(join(folder, name)))),
			);
			return {
				tag,
				folder,
				clients: own.map(({name}) => name),
				hooks: isThere ? (isSetUp ? 'set up' : 'missing') : 'gone',
			} as const;
		}),
	);
}

/** The folders whose client starts no hooks although an agent has joined there: its mail does not reach it. */
export function disarmed(data: string): JoinedPlace[] {
	return joinedPlaces(data).filter(({hooks}) => hooks === 'missing');
}

/** Empty if it cannot be read. */
function textOf(file: string): string {
	try {
		// A pipe in its place would keep the screen waiting.
		return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
	} catch {
		return '';
	}
}
