/** The parts of Emscripten's file system that are used here. */
interface FileSystem {
	readonly NODEFS: {
		readonly node_ops: {mknod: (parent: unknown, name: string, mode: number, device: number) => unknown};
		readonly stream_ops: {open: (stream: {readonly fd: number}) => void};
	};
	readonly FS: {
		lookupNode(parent: unknown, name: string): unknown;
		destroyNode(node: unknown): void;
		closeStream(fd: number): void;
	};
}

/**
 * Makes Emscripten drop its entry for a file that could not be created or opened, which it does not do by itself. On a full disk, each
 * insert tries again to create the file that it needs: the file would seem to exist from then on, and after 4,096 attempts no file
 * could be opened any more, not even for reading.
 */
export function forgetFailedFiles(module: unknown): void {
	const {NODEFS, FS} = module as FileSystem;
	const {mknod} = NODEFS.node_ops;
	NODEFS.node_ops.mknod = (parent, name, mode, device) => {
		try {
			return mknod(parent, name, mode, device);
		} catch (error) {
			FS.destroyNode(FS.lookupNode(parent, name));
			throw error;
		}
	};
	const {open} = NODEFS.stream_ops;
	NODEFS.stream_ops.open = stream => {
		try {
			open(stream);
		} catch (error) {
			FS.closeStream(stream.fd);
			throw error;
		}
	};
}
