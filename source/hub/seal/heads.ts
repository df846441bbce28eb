import {join} from 'node:path';
import {readJsonFile, writePrivateFile} from '../private-file.ts';

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
const mostHeads = 100;

/** What the mailbox of a hub is called here. `database`: `embedded`, or `user@host:port/database`. */
export function hubPlace(database: string): string {
	return `hub ${database}`;
}

/** The newest head of each history of a place, the one seen last at the end. Throws HubError for a file that is damaged. */
export function seenHeads(data: string, place: string): SeenHead[] {
	return readHeads(data).filter(head => head.place === place);
}

/** Keeps the head instead of an earlier one of the same history. Throws HubError. */
export function keepHead(data: string, head: SeenHead): void {
	const heads = readHeads(data);
	const known = heads.find(({place, epoch}) => place === head.place && epoch === head.epoch);
	if (known !== undefined && known.seq >= head.seq) return;
	const kept = [...heads.filter(other => other !== known), head].slice(-mostHeads);
	writePrivateFile(fileIn(data), `${JSON.stringify({heads: kept}, null, '\t')}\n`);
}

function readHeads(data: string): SeenHead[] {
	const heads: unknown = readJsonFile(fileIn(data))?.['heads'];
	return Array.isArray(heads) ? heads.filter(isHead) : [];
}

function isHead(value: unknown): value is SeenHead {
	if (typeof value !== 'object' || value === null) return false;
	const {place, epoch, seq, hash, at} = value as Partial<Record<keyof SeenHead, unknown>>;
	return [place, epoch, hash, at].every(text => typeof text === 'string') && Number.isSafeInteger(seq);
}

function fileIn(data: string): string {
	return join(data, 'history.json');
}
