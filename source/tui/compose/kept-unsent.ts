import {readdirSync} from 'node:fs';
import path from 'node:path';
import type {Pending} from '../../store/state/state.ts';
import {readPrivate, removePrivate, writePrivate} from '../terminal/private-file.ts';
import {objectIn, readUnsent, type Unsent} from './kept-draft.ts';

/** Number of digits at the beginning of a file's name. */
const digits = 10;

/**
 * Saves each sent message that has no row yet in a separate file, so that several screens of one mailbox, which do not know
 * of each other, do not overwrite each other's. The files' names sort in the order in which the messages were written.
 */
export class KeptUnsent {
	readonly #folder: string;
	/** The file's name by the message's key. */
	readonly #names = new Map<string, string>();

	constructor(folder: string) {
		this.#folder = folder;
	}

	/** The saved messages in order; another running screen may have read them, too. */
	read(): readonly Unsent[] {
		return this.#files().flatMap(name => {
			const value = objectIn(readPrivate(path.join(this.#folder, name)) ?? '');
			const kept = readUnsent(value);
			for (const {client_id} of kept) this.#names.set(client_id, name);
			return kept;
		});
	}

	/** Saves what is pending now, and removes the rest. Throws Node's error. */
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

	/** A number rather than the time, because the clock may be set back. */
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
