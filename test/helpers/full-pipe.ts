import {execFileSync} from 'node:child_process';
import {closeSync, constants, openSync, readSync, writeSync} from 'node:fs';

/** A full pipe, for a program whose reader does not read. */
export interface FullPipe {
	/** For `stdio` of a child. */
	readonly fd: number;
	/** Reads the earlier contents, so that there is room again. */
	drain(): void;
	close(): void;
}

/** Makes it at `path`. */
export function openFullPipe(path: string): FullPipe {
	execFileSync('mkfifo', [path]);
	const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
	// By pages, and then by bytes: a pipe that has room for one byte has room.
	let size = 0;
	for (const piece of [Buffer.alloc(4096), Buffer.alloc(1)]) {
		while (wrote(fd, piece)) size += piece.length;
	}
	return {
		fd,
		drain: () => {
			for (let left = size; left > 0;) left -= readSync(fd, Buffer.alloc(left));
		},
		close: () => closeSync(fd),
	};
}

function wrote(fd: number, bytes: Buffer): boolean {
	try {
		return writeSync(fd, bytes) > 0;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
		throw error;
	}
}
