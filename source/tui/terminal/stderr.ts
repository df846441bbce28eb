export interface BufferedStderr {
	/** Begins to buffer what is written. */
	hold(): void;
	/** Writes what was buffered, and lets further output through. */
	release(): void;
}

/**
 * Buffers what others write to stderr while a screen is on the terminal (warnings of Node and of libraries). Several screens
 * may do this and release it in any order: one that has released passes on to the writer it found.
 */
export function bufferedStderr(): BufferedStderr {
	let isHolding = false;
	let buffer = '';
	let before: typeof process.stderr.write | null = null;

	const write: typeof process.stderr.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
		if (!isHolding && before !== null) return Reflect.apply(before, process.stderr, [chunk, ...rest]);
		buffer += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
		return true;
	};

	return {
		hold() {
			isHolding = true;
			if (before !== null) return;
			before = Reflect.get(process.stderr, 'write');
			process.stderr.write = write;
		},
		release() {
			isHolding = false;
			if (before !== null && process.stderr.write === write) {
				process.stderr.write = before;
				before = null;
			}
			if (buffer !== '') process.stderr.write(buffer);
			buffer = '';
		},
	};
}
