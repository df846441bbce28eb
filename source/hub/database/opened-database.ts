import type {FairDatabase} from './fair-database.ts';

/** The database of a mailbox, open and with all migrations applied. */
export interface OpenedDatabase {
	readonly database: FairDatabase;
	/** `PGlite`, or `PostgreSQL` with its version. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`; never a password. */
	readonly label: string;
	/** Copies the database's files to a new folder, as they are between two transactions; null if they belong to a server. */
	readonly copyTo: ((folder: string) => Promise<void>) | null;
	/** The SQL of agents that keeps running in the server although it was cancelled; absent where it ends with its thread. */
	readonly runaways?: () => readonly RunawayStatement[];
	/** Starts periodic maintenance. Returns a function that stops it. */
	readonly startMaintenance: () => () => void;
}

/** A statement that cannot be cancelled: it runs to its end, or until the server is stopped. */
export interface RunawayStatement {
	readonly who: string;
	/** The server's process. */
	readonly process: number;
	/** ISO 8601. */
	readonly since: string;
}
