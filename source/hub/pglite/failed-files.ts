/** The parts of Emscripten's file system that matter here. */
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
 * Makes Emscripten forget a file that the disk refused to create or open. By itself it keeps the file's entry. On a full disk each
 * insert tries again to create the file that it needs: the file would then seem to exist for good, and after 4,096
 * attempts no file could be opened any more, not even for reading.
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
