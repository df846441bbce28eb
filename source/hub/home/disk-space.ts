import {randomBytes} from 'node:crypto';
import {closeSync, openSync, rmSync, statfsSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import type {Log} from '../files/log.ts';

/** Bytes. Below this nothing more is written: PostgreSQL panics where its log finds no room. */
const low = 4 * 1024 * 1024;
/** Bytes that are given up then, so that a database can be opened and the hub's own files be written. */
const reserved = 8 * 1024 * 1024;
/** Bytes from which on it is written again. */
const enough = 24 * 1024 * 1024;

/** Milliseconds. */
const tick = 1000;

export interface DiskSpaceOptions {
	readonly log: Log;
	/** Called with a sentence when the disk is full, and with null when it no longer is. */
	readonly onChange: (sentence: string | null) => void;
}

/**
 * How much room the disk has for what lies in a folder. A part of it is kept in a file there and given up where a full disk
 * would keep the database from being opened, so that what is there can still be read, also after a restart.
 */
export class DiskSpace {
	readonly #folder: string;
	readonly #reserve: string;
	readonly #options: DiskSpaceOptions;
	readonly #timer: NodeJS.Timeout;
	#isFull = false;

	constructor(folder: string, options: DiskSpaceOptions) {
		this.#folder = folder;
		this.#reserve = join(folder, 'reserve');
		this.#options = options;
		this.#timer = setInterval(() => {
			this.look();
			if (!this.#isFull) this.#keepReserve();
		}, tick);
		if (freeBytes(folder) < low) this.release();
		this.look();
	}

	get isFull(): boolean {
		return this.#isFull;
	}

	/** Gives up what was kept. Not before it is needed: whatever fills the disk would take it at once. */
	release(): void {
		rmSync(this.#reserve, {force: true});
	}

	/** Sees at once how it is, instead of within a second. */
	look(): void {
		const free = freeBytes(this.#folder);
		if (this.#isFull ? free < enough : free >= low) return;
		this.#isFull = !this.#isFull;
		const {log, onChange} = this.#options;
		log(this.#isFull ? `${full} (${this.#folder})` : `There is room in ${this.#folder} again.`);
		onChange(this.#isFull ? full : null);
	}

	end(): void {
		clearInterval(this.#timer);
	}

	#keepReserve(): void {
		if (statSync(this.#reserve, {throwIfNoEntry: false}) !== undefined || freeBytes(this.#folder) < enough) return;
		try {
			const file = openSync(this.#reserve, 'wx', 0o600);
			try {
				// Not zeros, which some file systems keep in no room at all.
				const part = randomBytes(1024 * 1024);
				for (let written = 0; written < reserved; written += part.length) writeSync(file, part);
			} finally {
				closeSync(file);
			}
		} catch {
			rmSync(this.#reserve, {force: true});
		}
	}
}

/** What a status says, and a statement that would write. */
export const full = 'The disk is full: the mailbox can be read, and nothing can be written until there is room.';

/** Infinity where it cannot be told. */
export function freeBytes(folder: string): number {
	try {
		const {bavail, bsize} = statfsSync(folder);
		return bavail * bsize;
	} catch {
		return Infinity;
	}
}
