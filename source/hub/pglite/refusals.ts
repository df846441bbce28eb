import type {PGlite} from '@electric-sql/pglite';

/** Server settings that prevent even a superuser from making the server unable to start. */
export const refusingSettings = ['allow_alter_system=off'];

/** Refuses SQL that would break the database for everyone; durable-files.ts refuses tablespaces. */
export function refuseHarm(pglite: PGlite): void {
	refusePrograms(pglite);
	refuseFiles(pglite);
}

/** Makes COPY ... PROGRAM fail. WASM cannot start programs; PGlite's stub reports success and breaks the thread for the next caller. */
function refusePrograms({Module: module}: PGlite): void {
	module._pgl_set_popen_fn(module.addFunction(() => 0, 'ppp'));
}

interface FileSystem {
	open(path: unknown, flags: number | string, mode?: number): unknown;
	readonly ErrnoError: new (errno: number) => Error;
}

const writeFlags = 0b11;
const notPermitted = 63;
/** The paths to which PostgreSQL itself writes: folders in its data directory, and the files that show that it is running. */
const ownFile = /^\/pglite\/data\/(?:(?:base|global|pg_\w+)\/|postmaster\.)|^\/dev\//;

/**
 * Refuses to write any other file (COPY TO, lo_export). Such a file would exist only in memory, or be one like `recovery.signal`, which
 * prevents PostgreSQL from starting again.
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
