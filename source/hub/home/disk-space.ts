import {randomBytes} from 'node:crypto';
import {closeSync, openSync, rmSync, statfsSync, statSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import type {Log} from '../files/log.ts';

/** Bytes. With less free space, nothing more is written: PostgreSQL panics if there is no room for its log. */
const low = 4 * 1024 * 1024;
/** Bytes that are released then, so that the database can be opened and the hub can write its own files. */
const reserved = 8 * 1024 * 1024;
/** Bytes of free space from which on writing is allowed again. */
const enough = 24 * 1024 * 1024;

/** Milliseconds. */
const tick = 1000;

export interface DiskSpaceOptions {
	readonly log: Log;
	/** Called with a sentence when the disk becomes full, and with null when it no longer is. */
	readonly onChange: (sentence: string | null) => void;
}

/**
 * Watches the free space on the disk of a folder. Reserves some of it in a file, which is released when a full disk would prevent the
 * database from opening, so that the mailbox can still be read, even after a restart.
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

	/** Releases the reserve. Only when it is needed: whatever fills the disk would use it up immediately. */
	release(): void {
		rmSync(this.#reserve, {force: true});
	}

	/** Checks now, rather than within a second. */
	look(): void {
		const free = freeBytes(this.#folder);
		if (this.#isFull ? free < enough : free >= low) return;
		this.#isFull = !this.#isFull;
		const {log, onChange} = this.#options;
		log(this.#isFull ? `${full} (${this.#folder})` : `There is free space in ${this.#folder} again.`);
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
				// Not zeros, for which some file systems allocate no space.
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

/** For the status, and for the error of a statement that would write. */
export const full = 'The disk is full: the mailbox is read-only until there is free space.';

/** Infinity if unknown. */
export function freeBytes(folder: string): number {
	try {
		const {bavail, bsize} = statfsSync(folder);
		return bavail * bsize;
	} catch {
		return Infinity;
	}
}
