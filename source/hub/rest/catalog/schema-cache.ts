import {type Database} from '../../database/database.ts';
import {type Catalog} from './catalog.ts';
import {readCatalog, readFingerprint} from './catalog-reader.ts';

/**
 * The catalog, read once and again when it has changed. `NOTIFY pgrst` says so at once, as it does to PostgREST; where
 * nobody notifies, a lookup that missed asks the database.
 */
export class SchemaCache {
	readonly #database: Database;
	#catalog: Promise<Catalog> | null = null;
	/** The one that was read last, whether it still stands or not. */
	#last: Catalog | null = null;
	#listening: Promise<unknown> | null = null;

	constructor(database: Database) {
		this.#database = database;
	}

	async current(): Promise<Catalog> {
		this.#listening ??= this.#database.listen('pgrst', payload => {
			if (payload !== 'reload config') this.#catalog = null;
		});
		await this.#listening;
		if (this.#catalog === null) {
			const reading = readCatalog(this.#database);
			this.#catalog = reading;
			reading.then(
				catalog => (this.#last = catalog),
				// A failed read is not kept: the next request tries again.
				() => {
					if (this.#catalog === reading) this.#catalog = null;
				},
			);
		}
		return this.#catalog;
	}

	/**
	 * As current, but while it is read again the one before, as PostgREST has it: for what does not change with it, and is not to
	 * wait for a database that is busy.
	 */
	async known(): Promise<Catalog> {
		if (this.#last === null) return this.current();
		if (this.#catalog === null) this.current().catch(() => undefined);
		return this.#last;
	}

	/** A newer catalog than this one; null when it still stands. */
	async newerThan(catalog: Catalog): Promise<Catalog | null> {
		const held = await this.current();
		if (held !== catalog) return held;
		if ((await readFingerprint(this.#database)) === catalog.fingerprint) return null;
		this.#catalog = null;
		return this.current();
	}
}
