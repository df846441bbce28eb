import type {FairDatabase} from './fair-database.ts';

/** A database that is the mailbox, with every migration applied. */
export interface OpenedDatabase {
	readonly database: FairDatabase;
	/** `PGlite`, or `PostgreSQL` and its version. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`; no password. */
	readonly label: string;
	/** Copies its files, as they are between two transactions, to a folder that does not exist; null where they are a server's. */
	readonly copyTo: ((folder: string) => Promise<void>) | null;
	/** Begins what has to be done from time to time. Returns the function that ends it. */
	readonly startMaintenance: () => () => void;
}
