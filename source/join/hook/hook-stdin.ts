import {readFileSync, readSync} from 'node:fs';
import {Socket, type SocketConstructorOpts} from 'node:net';

/** Bytes. A batch of tools reports the output of each. */
const maxSize = 64 * 1024 * 1024;

/**
 * Reads all of stdin. The client has written it long before node has started, so it is read synchronously, without process.stdin
 * (3 ms). If it is not complete, the rest is read as a stream, which a timer can interrupt.
 */
export async function readStdin(): Promise<string> {
	const stream = openPipe();
	if (stream === null) {
		const {isatty} = await import('node:tty');
		if (isatty(0)) throw new Error('stdin is a terminal; a client such as Claude Code must write an event to it');
		return readFileSync(0, 'utf8');
	}
	const chunks: Buffer[] = [];
	if (!readNow(chunks)) {
		for await (const chunk of stream as AsyncIterable<Buffer>) add(chunks, chunk);
	}
	return Buffer.concat(chunks).toString('utf8');
}

/**
 * Makes stdin non-blocking if it is a pipe. Null for a file, which never blocks, and for a terminal. As in process.stdin, `manualStart`
 * keeps it from reading before it is asked to, and so from ending with all that belongs to that.
 */
function openPipe(): Socket | null {
	try {
		return new Socket({fd: 0, readable: true, writable: false, manualStart: true} as SocketConstructorOpts);
	} catch {
		return null;
	}
}

/** Reads what is available, and returns whether that was all. */
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
	if (chunks.reduce((sum, {length}) => sum + length, 0) > maxSize)
		throw new Error('stdin is too large for a hook event');
}
