import {closeSync, fsyncSync, openSync} from 'node:fs';
import {NodeFS} from '@electric-sql/pglite/nodefs';
import {forgetFailedFiles} from './failed-files.ts';

type InitArguments = Parameters<NodeFS['init']>;

/** The parts of Emscripten's NODEFS that are used here; PGlite does not type them. */
interface NodeStream {
	/** The file descriptor; a directory's stream has none. */
	readonly nfd?: number | null;
	readonly node: unknown;
}
interface EmscriptenModule {
	readonly NODEFS: {
		stream_ops: {fsync?: (stream: NodeStream) => number};
		node_ops: {symlink: () => void};
		realPath(node: unknown): string;
		getMode(path: string): number;
	};
	readonly FS: {ErrnoError: new (errno: number) => Error};
}

export interface DurableFilesOptions extends DurableFilesEvents {
	/** PostgreSQL's memory, shared with other threads. Null or absent: not shared. */
	readonly memory?: WebAssembly.Memory | null;
}

export interface DurableFilesEvents {
	/** Called after each fsync; if it throws, the fsync fails. */
	readonly onSync?: (() => void) | undefined;
	/**
	 * Called when PostgreSQL panics, because it cannot write its log. PGlite would carry on and acknowledge writes that are lost, so this
	 * must not return.
	 */
	readonly onAbort?: ((what: unknown) => void) | undefined;
}

const inputOutputError = 29;
const notPermitted = 63;

/**
 * PGlite's files on disk, with a working fsync. Emscripten's NODEFS has none, so that a power cut lost or corrupted committed data.
 */
export class DurableFiles extends NodeFS {
	readonly #events: DurableFilesEvents;
	readonly #memory: WebAssembly.Memory | null;

	constructor(directory: string, {memory = null, ...events}: DurableFilesOptions = {}) {
		super(directory);
		this.#events = events;
		this.#memory = memory;
	}

	/** NODEFS does not follow links, but the path of a held directory (held-directory.ts) is one. */
	#followRoot(module: unknown): void {
		const {NODEFS} = module as EmscriptenModule;
		const realPath = NODEFS.realPath.bind(NODEFS);
		const getMode = NODEFS.getMode.bind(NODEFS);
		const followed = (path: string): string => (path === this.rootDir ? `${path}/.` : path);
		NODEFS.realPath = node => followed(realPath(node));
		NODEFS.getMode = path => getMode(followed(path));
	}

	override async init(pglite: InitArguments[0], options: InitArguments[1]): ReturnType<NodeFS['init']> {
		const {emscriptenOpts} = await super.init(pglite, options);
		const adapt = (module: unknown): void => {
			const {NODEFS, FS} = module as EmscriptenModule;
			forgetFailedFiles(module);
			NODEFS.stream_ops.fsync = stream => {
				try {
					sync(stream, () => NODEFS.realPath(stream.node));
					this.#events.onSync?.();
				} catch {
					// With an errno that PostgreSQL understands, it panics rather than trust the file again.
					throw new FS.ErrnoError(inputOutputError);
				}
				return 0;
			};
			// A tablespace is a link to a folder that exists only in memory, so its rows would be lost at the next start.
			NODEFS.node_ops.symlink = () => {
				throw new FS.ErrnoError(notPermitted);
			};
		};
		const {onAbort} = this.#events;
		const preRun = [(module: unknown) => this.#followRoot(module), ...(emscriptenOpts.preRun ?? []), adapt];
		const memory = this.#memory === null ? {} : {wasmMemory: this.#memory};
		return {emscriptenOpts: {...emscriptenOpts, ...memory, ...(onAbort === undefined ? {} : {onAbort}), preRun}};
	}
}

function sync(stream: NodeStream, path: () => string): void {
	if (typeof stream.nfd === 'number') {
		fsyncSync(stream.nfd);
		return;
	}
	const descriptor = openSync(path(), 'r');
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
