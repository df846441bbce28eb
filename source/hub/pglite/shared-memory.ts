/** The maximum number of pages of 64 KiB that 32 bits can address; PGlite uses fewer. */
const maxMemorySize = 32_768;

const importSection = 2;

/**
 * Changes a WebAssembly module so that threads can share the memory that it imports: sets one bit in the import section, and adds the
 * maximum size that a shared memory must declare. Throws if the bytes are not a module that imports a memory.
 */
export function withSharedMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
	const reader = new ByteReader(module, 8);
	while (reader.at < module.length) {
		const start = reader.at;
		const id = reader.byte();
		const size = reader.number();
		const content = reader.at;
		if (id !== importSection) {
			reader.at = content + size;
			continue;
		}
		const {flags, end, minimum, maximum} = memoryOf(reader);
		const limits = [0b11, ...encode(minimum), ...encode(maximum ?? maxMemorySize)];
		const section = [...module.subarray(content, flags), ...limits, ...module.subarray(end, content + size)];
		const head = [importSection, ...encode(section.length)];
		return joined(module.subarray(0, start), head, section, module.subarray(content + size));
	}
	throw new Error('A WebAssembly module imports no memory.');
}

/** The limits of the imported memory, and their position. */
function memoryOf(reader: ByteReader): {flags: number; end: number; minimum: number; maximum: number | null} {
	for (let left = reader.number(); left > 0; left--) {
		reader.skip(reader.number());
		reader.skip(reader.number());
		switch (reader.byte()) {
			case 0: // a function: its type
				reader.number();
				break;
			case 1: // a table: what it holds, and its limits
				reader.byte();
				limitsOf(reader);
				break;
			case 2:
				return limitsOf(reader);
			case 3: // a global: its type, and whether it changes
				reader.skip(2);
				break;
			case 4: // a tag: its attribute, and its type
				reader.byte();
				reader.number();
				break;
			default:
				throw new Error('A WebAssembly module has an import of an unknown kind.');
		}
	}
	throw new Error('A WebAssembly module imports no memory.');
}

function limitsOf(reader: ByteReader): {flags: number; end: number; minimum: number; maximum: number | null} {
	const flags = reader.at;
	const hasMaximum = (reader.byte() & 1) !== 0;
	const minimum = reader.number();
	const maximum = hasMaximum ? reader.number() : null;
	return {flags, end: reader.at, minimum, maximum};
}

/** Reads bytes and unsigned LEB128 numbers. */
class ByteReader {
	at: number;
	readonly #bytes: Uint8Array;

	constructor(bytes: Uint8Array, at: number) {
		this.#bytes = bytes;
		this.at = at;
	}

	byte(): number {
		const byte = this.#bytes[this.at++];
		if (byte === undefined) throw new Error('A WebAssembly module ends too early.');
		return byte;
	}

	number(): number {
		let number = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = this.byte();
			number += (byte & 0x7f) * 2 ** shift;
			if (byte < 0x80) return number;
		}
	}

	skip(bytes: number): void {
		this.at += bytes;
	}
}

function encode(number: number): number[] {
	const bytes: number[] = [];
	for (let left = number; ; left = Math.floor(left / 128)) {
		if (left < 128) return [...bytes, left];
		bytes.push((left % 128) + 128);
	}
}

function joined(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0));
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}
