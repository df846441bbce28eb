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
	/** The SQL of agents that computes on in the server although it was cancelled; absent where it ends with its thread. */
	readonly runaways?: () => readonly Runaway[];
	/** Begins what has to be done from time to time. Returns the function that ends it. */
	readonly startMaintenance: () => () => void;
}

/** A statement that nothing ends but itself or the end of the server. */
export interface Runaway {
	readonly who: string;
	/** The server's process. */
	readonly process: number;
	/** ISO 8601. */
	readonly since: string;
}
