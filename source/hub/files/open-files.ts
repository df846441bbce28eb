import {readFileSync} from 'node:fs';
import {HubError} from './error.ts';

/** What the program itself has open: its modules, the log, locks, a file that is just being read. */
const own = 32;
/** What PostgreSQL keeps open of its own accord, at least: its `max_files_per_process` cannot be lower. */
const minForDatabase = 64;
const minForConnections = 32;
/** With more than this neither the database nor its clients have to do with less. */
const ample = 4096;

/** How the files that a process may have open are divided. */
export interface OpenFiles {
	/** For PostgreSQL's setting `max_files_per_process`. */
	readonly database: number;
	/** For the connections of each listener. */
	readonly connections: number;
	/** That it has to do with less than it would take, and what helps; null when all is well. */
	readonly remark: string | null;
}

/**
 * Divides the files that this process may have open, which Node has raised to what the system allows it. PostgreSQL would keep
 * as many open as it has tables, and leave nothing for those who want to connect. Throws HubError when it is too few.
 */
export function divideOpenFiles(limit = openFileLimit()): OpenFiles {
	if (limit < own + minForDatabase + minForConnections) {
		throw new HubError(
			`This process may have ${limit} files open, and the hub needs ${own + minForDatabase + minForConnections}.`,
			'Raise the limit (`ulimit -n 1024`), and try again.',
		);
	}
	if (limit >= ample) return {database: 1000, connections: Infinity, remark: null};
	const database = Math.max(minForDatabase, Math.floor(limit / 4));
	const connections = limit - own - database;
	const remark = `This process may have ${limit} files open: ${connections} connections at once, and no more. \`ulimit -n ${ample}\` before it starts allows more.`;
	return {database, connections, remark};
}

/** Infinity where the system does not say. */
function openFileLimit(): number {
	try {
		return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
	} catch {
		// macOS: Node raises it to some thousands. Windows has none.
		return Infinity;
	}
}
