import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';

/** The last hash of a mailbox's chain, as this machine saw it. The owner of the database cannot change it together with the database. */
export interface SeenHead {
	/** The mailbox: `hub` and its database, or the address of a project. */
	readonly place: string;
	/** The history of that mailbox. */
	readonly epoch: string;
	readonly seq: number;
	/** SHA-256 in hexadecimal. */
	readonly hash: string;
	/** When it was seen; ISO 8601. */
	readonly at: string;
}

/** One per history; the oldest are dropped. */
const maxHeads = 100;

/** The `place` of a hub's mailbox. `database`: `embedded`, or `user@host:port/database`. */
export function hubPlace(database: string): string {
	return `hub ${database}`;
}

/** The newest head of each history of a mailbox, the one seen last at the end. Throws HubError if the file is damaged. */
export function seenHeads(data: string, place: string): SeenHead[] {
	return readHeads(data).heads.filter(head => head.place === place);
}

/**
 * Replaces the head of the same history. If the file contains anything that agentmux did not write, first copies it to a new file next
 * to it and returns the path of the copy; null otherwise. Throws HubError.
 */
export function keepHead(data: string, head: SeenHead): string | null {
	const {heads, foreign} = readHeads(data);
	const known = heads.find(({place, epoch}) => place === head.place && epoch === head.epoch);
	if (known !== undefined && known.seq >= head.seq && foreign === null) return null;
	const copy = foreign === null ? null : join(data, `${copyPrefix}${Date.now()}.json`);
	if (copy !== null) writePrivateFile(copy, `${JSON.stringify(foreign, null, '\t')}\n`);
	const newest = known !== undefined && known.seq >= head.seq ? known : head;
	const kept = [...heads.filter(other => other !== known), newest].slice(-maxHeads);
	writePrivateFile(fileIn(data), `${JSON.stringify({heads: kept}, null, '\t')}\n`);
	return copy;
}

/** The message about a file with foreign contents that was copied. */
export function keptCopyText(copy: string): string {
	return `history.json contained something that agentmux did not write; it was kept as ${copy}. Seals that this machine had seen may be missing now.`;
}

/** The copies that keepHead made and that still exist. */
export function keptCopies(data: string): string[] {
	try {
		const names = readdirSync(data).filter(name => name.startsWith(copyPrefix));
		return names.toSorted().map(name => join(data, name));
	} catch {
		return [];
	}
}

const copyPrefix = 'history-kept-';

/** `foreign`: the whole contents of the file if any of it is not a head; otherwise null. */
function readHeads(data: string): {readonly heads: SeenHead[]; readonly foreign: object | null} {
	const found = readJsonFile(fileIn(data));
	if (found === null) return {heads: [], foreign: null};
	const listed: readonly unknown[] = Array.isArray(found['heads']) ? found['heads'] : [];
	const heads = listed.filter(isHead);
	const isOurs = Array.isArray(found['heads']) && heads.length === listed.length && Object.keys(found).length === 1;
	return {heads, foreign: isOurs ? null : found};
}

function isHead(value: unknown): value is SeenHead {
	if (typeof value !== 'object' || value === null) return false;
	const {place, epoch, seq, hash, at} = value as Partial<Record<keyof SeenHead, unknown>>;
	return [place, epoch, hash, at].every(text => typeof text === 'string') && Number.isSafeInteger(seq);
}

function fileIn(data: string): string {
	return join(data, 'history.json');
}
