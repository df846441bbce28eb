import {readdirSync} from 'node:fs';
import path from 'node:path';
import type {Pending} from '../../store/state.ts';
import {readPrivate, removePrivate, writePrivate} from '../terminal/private-file.ts';
import {objectIn, unsentIn, type Unsent} from './kept-draft.ts';

/** Digits of the number with which a file's name begins. */
const digits = 10;

/**
 * Keeps each message that was sent and has no row yet in a file of its own: several screens of one mailbox, which know
 * nothing of each other, take nothing from each other. The files' names sort as the messages were written.
 */
export class KeptUnsent {
	readonly #folder: string;
	/** By the key of the message: the name of its file. */
	readonly #names = new Map<string, string>();

	constructor(folder: string) {
		this.#folder = folder;
	}

	/** What is there, in the order in which it was written; another screen that runs may have it, too. */
	read(): readonly Unsent[] {
		return this.#files().flatMap(name => {
			const value = objectIn(readPrivate(path.join(this.#folder, name)) ?? '');
			const kept = unsentIn(value);
			for (const {client_id} of kept) this.#names.set(client_id, name);
			return kept;
		});
	}

	/** Keeps what is pending now, and no longer what is not. Throws Node's error. */
	keep(pending: readonly Pending[]): void {
		const keys = new Set(pending.map(({draft}) => draft.client_id));
		for (const {draft} of pending) {
			if (this.#names.has(draft.client_id)) continue;
			const name = `${this.#next()}-${encodeURIComponent(draft.client_id)}.json`;
			writePrivate(path.join(this.#folder, name), JSON.stringify(draft));
			this.#names.set(draft.client_id, name);
		}
		for (const [key, name] of this.#names) {
			if (keys.has(key)) continue;
			removePrivate(path.join(this.#folder, name));
			this.#names.delete(key);
		}
	}

	/** By a number, and not by the clock, which may be put back. */
	#next(): string {
		const last = Number.parseInt(this.#files().at(-1) ?? '0', 10);
		return String(last + 1).padStart(digits, '0');
	}

	#files(): string[] {
		try {
			return readdirSync(this.#folder)
				.filter(name => /^\d{10}-.*\.json$/.test(name))
				.sort();
		} catch {
			return [];
		}
	}
}
