import {setTimeout as sleep} from 'node:timers/promises';
import {type Database} from '../../database/database.ts';
import {type Catalog} from './catalog.ts';
import {readCatalog, readFingerprint} from './catalog-reader.ts';

/** Milliseconds that a request waits for a new catalog. */
const maxWait = 1000;

/**
 * Caches the catalog until it changes. As with PostgREST, `NOTIFY pgrst` reports a change; without notifications, a request for an
 * unknown name checks for one.
 */
export class SchemaCache {
	readonly #database: Database;
	/** The catalog that was read last. */
	#last: Catalog | null = null;
	/** Whether nothing has changed since `#last` was read. */
	#isFresh = false;
	/** The read in progress; null if something has changed since it began. */
	#reading: Promise<Catalog> | null = null;
	#listening: Promise<unknown> | null = null;

	constructor(database: Database) {
		this.#database = database;
	}

	/**
	 * The current catalog. If reading it takes longer than `wait` milliseconds (somebody's transaction may have locked a table, or the
	 * database may be busy) or fails, the previous one, as with PostgREST.
	 */
	async catalog(wait = maxWait): Promise<Catalog> {
		const last = this.#last;
		if (last !== null && this.#isFresh) return last;
		const reading = this.#read();
		if (last === null) return reading;
		const orLast = reading.catch(() => last);
		return wait === 0 ? last : Promise.race([orLast, sleep(wait, last, {ref: false})]);
	}

	/** The catalog if it has changed since this one was read; null if not. */
	async newerThan(catalog: Catalog): Promise<Catalog | null> {
		const current = await this.catalog();
		if (current !== catalog) return current;
		if ((await readFingerprint(this.#database)) === catalog.fingerprint) return null;
		this.#forget();
		return this.catalog();
	}

	#forget(): void {
		this.#isFresh = false;
		this.#reading = null;
	}

	async #read(): Promise<Catalog> {
		this.#listening ??= this.#database.listen('pgrst', payload => {
			if (payload !== 'reload config') this.#forget();
		});
		await this.#listening;
		this.#reading ??= this.#readOnce();
		return this.#reading;
	}

	/** A failed read is not cached: the next request tries again. */
	#readOnce(): Promise<Catalog> {
		// If not, something changed after the read began, and the catalog may lack it.
		const isCurrent = (): boolean => this.#reading === reading;
		const reading = readCatalog(this.#database)
			.then(catalog => {
				if (isCurrent() || !this.#isFresh) this.#last = catalog;
				if (isCurrent()) this.#isFresh = true;
				return catalog;
			})
			.finally(() => {
				if (isCurrent()) this.#reading = null;
			});
		return reading;
	}
}
