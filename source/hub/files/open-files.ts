import {readFileSync} from 'node:fs';
import {HubError} from './error.ts';

/** Files of the program itself: modules, the log, locks, a file being read. */
const own = 32;
/** The minimum of PostgreSQL's `max_files_per_process`. */
const minForDatabase = 64;
const minForConnections = 32;
/** With this many, neither the database nor the connections need a limit. */
const ample = 4096;

/** How the open files of a process are divided. */
export interface OpenFiles {
	/** For PostgreSQL's setting `max_files_per_process`. */
	readonly database: number;
	/** For the connections of each listener. */
	readonly connections: number;
	/** A warning if the limit is low, with a remedy; null if not. */
	readonly remark: string | null;
}

/**
 * Divides the files that this process may have open (Node has raised the limit as far as the system allows). Without a limit,
 * PostgreSQL would keep as many open as it has tables, and leave none for connections. Throws HubError if there are too few.
 */
export function divideOpenFiles(limit = openFileLimit()): OpenFiles {
	if (limit < own + minForDatabase + minForConnections) {
		throw new HubError(
			`The limit of open files is ${limit}, but the hub needs ${own + minForDatabase + minForConnections}.`,
			'Raise the limit (`ulimit -n 1024`), and try again.',
		);
	}
	if (limit >= ample) return {database: 1000, connections: Infinity, remark: null};
	const database = Math.max(minForDatabase, Math.floor(limit / 4));
	const connections = limit - own - database;
	const remark = `The limit of open files is ${limit}, which allows ${connections} connections. Run \`ulimit -n ${ample}\` before starting the hub to allow more.`;
	return {database, connections, remark};
}

/** Infinity if the system does not tell. */
function openFileLimit(): number {
	try {
		return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
	} catch {
		// On macOS, Node raises it to several thousand. Windows has none.
		return Infinity;
	}
}
