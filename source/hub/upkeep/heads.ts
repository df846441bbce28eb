import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';

/** The end of a chain of hashes, as this machine saw it: what somebody who owns the database cannot change with it. */
export interface SeenHead {
	/** Which mailbox: the hub's with its database, or a project by its address. */
	readonly place: string;
	/** Which history of it. */
	readonly epoch: string;
	readonly seq: number;
	/** SHA-256 in hexadecimal. */
	readonly hash: string;
	/** When it was seen; ISO 8601. */
	readonly at: string;
}

/** A history each; the oldest are forgotten. */
const maxHeads = 100;

/** What the mailbox of a hub is called here. `database`: `embedded`, or `user@host:port/database`. */
export function hubPlace(database: string): string {
	return `hub ${database}`;
}

/** The newest head of each history of a place, the one seen last at the end. Throws HubError for a file that is damaged. */
export function seenHeads(data: string, place: string): SeenHead[] {
	return readHeads(data).heads.filter(head => head.place === place);
}

/**
 * Replaces the head of the same history. If the file is not one of agentmux's, copies it beside itself first and returns the path of
 * that copy; null otherwise. Throws HubError.
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

/** A sentence for a file that held something else, which was kept: heads may be missing. */
export function keptCopyText(copy: string): string {
	return `history.json held something that agentmux did not write; it is kept as ${copy}. What this machine had seen of the chain of seals may be missing from it.`;
}

/** The copies that keepHead made and nobody has moved away. */
export function keptCopies(data: string): string[] {
	try {
		const names = readdirSync(data).filter(name => name.startsWith(copyPrefix));
		return names.toSorted().map(name => join(data, name));
	} catch {
		return [];
	}
}

const copyPrefix = 'history-kept-';

/** `foreign`: all that the file holds, where some of it is no head; else null. */
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
