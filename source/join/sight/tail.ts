import {closeSync, constants, fstatSync, openSync, readSync} from 'node:fs';

/** How much of the end is read first, and how much of what was added since. More than that is skipped. */
const maxFirst = 64 * 1024;
const maxAdded = 256 * 1024;

/** Follows a file to which lines are added. It may be anybody's, so it does not have to be a file. */
export class Tail {
	readonly path: string;
	/** Up to where it was read: the end of a line. */
	#position: number | null = null;
	#size = -1;
	#modified = -1;

	constructor(path: string) {
		this.path = path;
	}

	/** The lines that were added since, of the end of the file at first; null if it did not change or cannot be read. */
	read(): string[] | null {
		let file: number;
		try {
			// Opening a pipe would wait for a writer.
			file = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
		} catch {
			return null;
		}
		try {
			const found = fstatSync(file);
			if (!found.isFile() || (found.size === this.#size && found.mtimeMs === this.#modified)) return null;
			this.#size = found.size;
			this.#modified = found.mtimeMs;
			// It was written anew.
			if (this.#position !== null && found.size < this.#position) this.#position = null;
			return this.#lines(file, found.size);
		} catch {
			return null;
		} finally {
			closeSync(file);
		}
	}

	#lines(file: number, size: number): string[] {
		const begin = this.#position;
		const from = begin === null ? Math.max(0, size - maxFirst) : Math.max(begin, size - maxAdded);
		const bytes = Buffer.alloc(size - from);
		const length = readSync(file, bytes, 0, bytes.length, from);
		const end = bytes.lastIndexOf(10, length - 1) + 1;
		// From within a line: the rest of that is of no use.
		const isWhole = from === (begin ?? 0);
		const start = isWhole ? 0 : bytes.indexOf(10) + 1;
		if (end > 0) this.#position = from + end;
		return end <= start ? [] : bytes.toString('utf8', start, end - 1).split('\n');
	}
}
