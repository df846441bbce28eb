import {readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {Tag} from '../mailbox/tag.ts';
import {clients, everyFileOf, type Client} from './clients/clients.ts';
import {everyCredentials} from './files/credentials-file.ts';
import {serves} from './files/holder.ts';
import {allowsPlugin, mayWait, startsHeadless, startsHook} from './files/settings-file.ts';

/** A folder in which an agent has joined for a client. */
export interface JoinedPlace {
	readonly tag: Tag;
	readonly folder: string;
	readonly clients: readonly Client[];
	/** Those of them for which somebody removed or stashed what join wrote. */
	readonly missing: readonly Client[];
	/** Those whose hooks are of an earlier version, so that it asks for permissions only in its terminal. */
	readonly asksAlone: readonly Client[];
	/** Whether our plugin brings the hooks and the server to Claude Code. */
	readonly plugin: boolean;
	/** Whether it takes part there in runs without a user. */
	readonly headless: boolean;
	/** `gone` if the folder is; `missing` if what join wrote is. */
	readonly files: 'set up' | 'missing' | 'gone';
}

/** Every folder in which an agent has joined on this machine. `data` is the data folder. */
export function joinedPlaces(data: string): JoinedPlace[] {
	return everyCredentials(data).flatMap(({tag, folders, headless, files}) =>
		folders.map(folder => {
			const own = clients.filter(client => everyFileOf(client).some(name => files[join(folder, name)] !== undefined));
			const isThere = statSync(folder, {throwIfNoEntry: false})?.isDirectory() === true;
			const isServed = (client: Client): boolean => files[join(folder, client.servers)] !== undefined;
			// Where join has written nothing but settings, our plugin brings the hooks and the server.
			const isPlugged = (client: Client): boolean =>
				everyFileOf(client).every(name => (files[join(folder, name)] !== undefined) === (name === client.hooks));
			const missing = own.filter(client => {
				const texts = everyFileOf(client).map(name => textOf(join(folder, name)));
				if (isPlugged(client)) return !texts.some(text => allowsPlugin(text, client));
				return !texts.some(startsHook) || (isServed(client) && !serves(textOf(join(folder, client.servers)), tag));
			});
			const asksAlone = own.filter(client => {
				const text = textOf(join(folder, client.hooks));
				return !isPlugged(client) && startsHook(text) && !mayWait(text, client);
			});
			return {
				tag,
				folder,
				clients: own,
				missing,
				asksAlone,
				plugin: own.some(isPlugged),
				headless: headless.includes(folder) || isHeadlessIn(folder, own),
				files: isThere ? (missing.length === 0 ? 'set up' : 'missing') : 'gone',
			} as const;
		}),
	);
}

/** The folders whose client starts no hooks or no server although an agent has joined there: its mail may not reach it. */
export function disarmed(data: string): JoinedPlace[] {
	return joinedPlaces(data).filter(({files}) => files === 'missing');
}

/** Whether the hooks of these clients say so, as those do that were written before it was remembered in the credentials. */
export function isHeadlessIn(folder: string, those: readonly Client[]): boolean {
	return those.some(({hooks}) => startsHeadless(textOf(join(folder, hooks))));
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
