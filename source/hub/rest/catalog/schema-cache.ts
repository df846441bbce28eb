import {setTimeout as sleep} from 'node:timers/promises';
import {type Database} from '../../database/database.ts';
import {type Catalog} from './catalog.ts';
import {readCatalog, readFingerprint} from './catalog-reader.ts';

/** Milliseconds that a request waits for the catalog to be read again. */
const maxWait = 1000;

/**
 * The catalog, read once and again when it has changed. `NOTIFY pgrst` says so at once, as it does to PostgREST; where
 * nobody notifies, a lookup that missed asks the database.
 */
export class SchemaCache {
	readonly #database: Database;
	/** The catalog as far as nothing was heard of a change. */
	#standing: Catalog | null = null;
	/** The one that was read last, whether it still stands or not. */
	#last: Catalog | null = null;
	#reading: Promise<Catalog> | null = null;
	/** What that reads; null when something has changed since it began. */
	#latest: Promise<Catalog> | null = null;
	#listening: Promise<unknown> | null = null;

	constructor(database: Database) {
		this.#database = database;
	}

	/**
	 * The catalog as it stands. Where it cannot be read for a second, as while somebody's transaction has locked a table, the one
	 * before: PostgREST answers from that until the new one is there.
	 */
	async current(): Promise<Catalog> {
		if (this.#standing !== null) return this.#standing;
		const reading = this.#read();
		const last = this.#last;
		if (last === null) return reading;
		return Promise.race([reading.catch(() => last), sleep(maxWait, last, {ref: false})]);
	}

	/**
	 * As current, but the one before at once: for what does not change with it, and is not to wait for a database that is busy.
	 */
	async known(): Promise<Catalog> {
		if (this.#last === null) return this.current();
		if (this.#standing === null) this.#read().catch(() => undefined);
		return this.#last;
	}

	/** A newer catalog than this one; null when it still stands. */
	async newerThan(catalog: Catalog): Promise<Catalog | null> {
		const held = await this.current();
		if (held !== catalog) return held;
		if ((await readFingerprint(this.#database)) === catalog.fingerprint) return null;
		this.#forget();
		return this.current();
	}

	#forget(): void {
		this.#standing = null;
		this.#reading = null;
		this.#latest = null;
	}

	/** A failed read is not kept: the next request tries again. */
	async #read(): Promise<Catalog> {
		this.#listening ??= this.#database.listen('pgrst', payload => {
			if (payload !== 'reload config') this.#forget();
		});
		await this.#listening;
		this.#reading ??= this.#readOnce();
		return this.#reading;
	}

	async #readOnce(): Promise<Catalog> {
		const reading = readCatalog(this.#database);
		this.#latest = reading;
		// Where not, what was changed after it began may be missing in it.
		const isLatest = (): boolean => this.#latest === reading;
		try {
			const catalog = await reading;
			this.#last = catalog;
			if (isLatest()) this.#standing = catalog;
			return catalog;
		} finally {
			if (isLatest()) this.#reading = null;
		}
	}
}
