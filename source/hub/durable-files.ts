import {closeSync, fsyncSync, openSync} from 'node:fs';
import {NodeFS} from '@electric-sql/pglite/nodefs';

type InitArguments = Parameters<NodeFS['init']>;

/** The parts of Emscripten's NODEFS that matter here; PGlite does not type them. */
interface NodeStream {
	/** The file descriptor; a directory's stream has none. */
	readonly nfd?: number | null;
	readonly node: unknown;
}
interface EmscriptenModule {
	readonly NODEFS: {stream_ops: {fsync?: (stream: NodeStream) => number}; realPath(node: unknown): string};
	readonly FS: {ErrnoError: new (errno: number) => Error};
}

const inputOutputError = 29;

/**
 * PGlite's files on disk, with an fsync that reaches the disk. As shipped, Emscripten's NODEFS has none, so that a power
 * cut lost or corrupted what was committed.
 */
export class DurableFiles extends NodeFS {
	readonly #onSync: () => void;

	constructor(directory: string, onSync: () => void = () => undefined) {
		super(directory);
		this.#onSync = onSync;
	}

	override async init(pglite: InitArguments[0], options: InitArguments[1]): ReturnType<NodeFS['init']> {
		const {emscriptenOpts} = await super.init(pglite, options);
		const addSync = (module: unknown): void => {
			const {NODEFS, FS} = module as EmscriptenModule;
			NODEFS.stream_ops.fsync = stream => {
				try {
					sync(stream, () => NODEFS.realPath(stream.node));
				} catch {
					// PostgreSQL must hear of it in the errno it understands: it stops rather than trust the file again.
					throw new FS.ErrnoError(inputOutputError);
				}
				this.#onSync();
				return 0;
			};
		};
		return {emscriptenOpts: {...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addSync]}};
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
