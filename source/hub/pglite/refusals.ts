import type {PGlite} from '@electric-sql/pglite';

/** Settings of the server with which it refuses, also to its superuser, what would keep it from starting again. */
export const refusingSettings = ['allow_alter_system=off'];

/** Lets no SQL of anybody do what would break the database for the others; tablespaces are refused in durable-files.ts. */
export function refuseHarm(pglite: PGlite): void {
	refusePrograms(pglite);
	refuseFiles(pglite);
}

/**
 * PostgreSQL starts no program (COPY ... PROGRAM): there is none in WASM, and what PGlite has in its place says that all went
 * well and breaks the thread for whoever comes next. Now the statement fails.
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
/** Where PostgreSQL writes while it runs: in folders of its data directory, and that it runs. */
const ownFile = /^\/pglite\/data\/(?:(?:base|global|pg_\w+)\/|postmaster\.)|^\/dev\//;

/**
 * No statement writes another file (COPY TO, lo_export): it could only lie in memory, or be a setting like `recovery.signal`,
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
