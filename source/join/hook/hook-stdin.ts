import {readFileSync, readSync} from 'node:fs';
import {Socket} from 'node:net';

/** Bytes: a batch of tools reports what each of them said. */
const longest = 64 * 1024 * 1024;

/**
 * All of stdin. The client has written it long before node has started, so it is read at once, without process.stdin
 * (3 ms); what is still open is waited for as a stream, which a timer can end.
 */
export async function readStdin(): Promise<string> {
	const stream = openPipe();
	if (stream === null) {
		const {isatty} = await import('node:tty');
		if (isatty(0)) throw new Error('stdin is a terminal; a client like Claude Code writes an event to it');
		return readFileSync(0, 'utf8');
	}
	const chunks: Buffer[] = [];
	if (!readNow(chunks)) {
		for await (const chunk of stream as AsyncIterable<Buffer>) add(chunks, chunk);
	}
	return Buffer.concat(chunks).toString('utf8');
}

/** Makes it one that does not block. Null for a file, which never does, and for a terminal. */
function openPipe(): Socket | null {
	try {
		return new Socket({fd: 0, readable: true, writable: false});
	} catch {
		return null;
	}
}

/** Whether it came to the end. */
function readNow(chunks: Buffer[]): boolean {
	for (;;) {
		const chunk = Buffer.allocUnsafe(65_536);
		try {
			const size = readSync(0, chunk);
			if (size === 0) return true;
			add(chunks, chunk.subarray(0, size));
		} catch (error) {
			const {code} = error as NodeJS.ErrnoException;
			if (code === 'EAGAIN') return false;
			if (code === 'EOF') return true;
			throw error;
		}
	}
}

function add(chunks: Buffer[], chunk: Buffer): void {
	chunks.push(chunk);
	if (chunks.reduce((sum, {length}) => sum + length, 0) > longest)
		throw new Error('stdin holds more than a hook is given');
}
