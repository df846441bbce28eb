import type {Database} from './database.ts';

/** A database that is the mailbox, with every migration applied. */
export interface OpenedDatabase {
	readonly database: Database;
	/** `PGlite`, or `PostgreSQL` and its version. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`; no password. */
	readonly label: string;
	/** Begins what has to be done from time to time. Returns the function that ends it. */
	readonly startMaintenance: () => () => void;
}
