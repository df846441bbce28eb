import type {PGlite} from '@electric-sql/pglite';

/** Server settings that refuse, even to a superuser, what would keep the server from starting again. */
export const refusingSettings = ['allow_alter_system=off'];

/** Refuses SQL that would break the database for everyone; durable-files.ts refuses tablespaces. */
export function refuseHarm(pglite: PGlite): void {
	refusePrograms(pglite);
	refuseFiles(pglite);
}

/**
 * Makes COPY ... PROGRAM fail. WASM can start no program; PGlite's substitute reports success and breaks the thread for the
 * next caller.
 */
function refusePrograms({Module: module}: PGlite): void {
	module._pgl_set_popen_fn(module.addFunction(() => 0, 'ppp'));
}

interface FileSystem {
	open(path: unknown, flags: number | string, mode?: number): unknown;
	readonly ErrnoError: new (errno: number) => Error;
}

const writeFlags = 0b11;
const notPermitted = 63;
/** Where PostgreSQL itself writes: folders of its data directory, and the files that say that it runs. */
const ownFile = /^\/pglite\/data\/(?:(?:base|global|pg_\w+)\/|postmaster\.)|^\/dev\//;

/**
 * Refuses to write any other file (COPY TO, lo_export). Such a file would lie in memory only, or be one like `recovery.signal`,
 * with which PostgreSQL never starts again.
 */
function refuseFiles({Module: {FS}}: PGlite): void {
	const files = FS as unknown as FileSystem;
	const open = files.open.bind(files);
	files.open = (path, flags, mode) => {
		const writes = typeof flags === 'number' && (flags & writeFlags) !== 0;
		if (writes && typeof path === 'string' && !ownFile.test(path)) throw new files.ErrnoError(notPermitted);
		return open(path, flags, mode);
	};
}
