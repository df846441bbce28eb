import {readFile} from 'node:fs/promises';
import type {PGlite} from '@electric-sql/pglite';
import {withSharedMemory} from './shared-memory.ts';

/**
 * How another thread cancels the statement that runs: PostgreSQL looks at these variables at every step, as it does where a
 * signal handler has set them. PGlite has no signals and its thread hears no message while it computes, so its memory is shared.
 */
export interface Interrupt {
	readonly memory: SharedArrayBuffer;
	/** Addresses of int variables of PostgreSQL. */
	readonly interruptPending: number;
	readonly queryCancelPending: number;
	/** Addresses of int variables that are not 0 where PostgreSQL takes no interrupt: while it commits, or writes and flushes. */
	readonly holdoffs: readonly number[];
	/** Address of the pointer to the latch that a sleeping statement waits for; its first field says that it is set. */
	readonly latch: number;
}

/** Pages of 64 KiB, as PGlite makes its own memory. */
const pages = {initial: 2048, maximum: 32_768};

export function sharedMemory(): WebAssembly.Memory {
	return new WebAssembly.Memory({...pages, shared: true});
}

/** PGlite's own module, so changed that its memory is one that threads share. */
export async function sharingModule(): Promise<WebAssembly.Module> {
	const file = new URL('pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
	return WebAssembly.compile(withSharedMemory(await readFile(file)));
}

/** Throws where PGlite does not export what is needed. */
export function interruptOf({Module: module}: PGlite, memory: WebAssembly.Memory): Interrupt {
	shareWithLibraries(module.FS);
	const exported = module as unknown as {readonly [name: string]: unknown};
	const address = (name: string): number => {
		const value = exported[name];
		if (typeof value !== 'number') throw new Error(`PGlite exports no ${name}.`);
		return value;
	};
	return {
		memory: memory.buffer as unknown as SharedArrayBuffer,
		interruptPending: address('_InterruptPending'),
		queryCancelPending: address('_QueryCancelPending'),
		holdoffs: [address('_InterruptHoldoffCount'), address('_CritSectionCount')],
		latch: address('_MyLatch'),
	};
}

interface FileSystem {
	readdir(path: string): readonly string[];
	lookupPath(path: string): {readonly node: {contents: Uint8Array; usedBytes: number}};
}

/** What PostgreSQL loads later (plpgsql, ...) imports the same memory. The files lie in the thread's memory, not on the disk. */
function shareWithLibraries(files: FileSystem): void {
	for (const name of files.readdir(libraries)) {
		if (!name.endsWith('.so')) continue;
		const {node} = files.lookupPath(`${libraries}/${name}`);
		node.contents = withSharedMemory(node.contents.subarray(0, node.usedBytes));
		node.usedBytes = node.contents.length;
	}
}

const libraries = '/pglite/lib/postgresql';

/** As PostgreSQL's handler of SIGINT does it. The thread itself decides when it looks. */
export function raiseInterrupt({memory, interruptPending, queryCancelPending, latch}: Interrupt): void {
	const words = new Int32Array(memory);
	Atomics.store(words, queryCancelPending >> 2, 1);
	Atomics.store(words, interruptPending >> 2, 1);
	const isSet = Atomics.load(words, latch >> 2);
	if (isSet !== 0) Atomics.store(words, isSet >> 2, 1);
}

/**
 * Waits for the end of what was cancelled. Resolves with false when `isOver`, and with true when it is to be given up: soon where
 * PostgreSQL could have looked, and has not, as in a few functions of long texts; later where it does something else first.
 */
export async function isUnheeded(interrupt: Interrupt | null, isOver: () => boolean): Promise<boolean> {
	// Counted, not timed: where the machine slept, or the process was stopped, PostgreSQL has not looked either.
	for (let looks = 0, unseen = 0; looks < maxLooks && unseen < maxUnseen; looks += 1) {
		await new Promise(resolve => setTimeout(resolve, betweenLooks));
		if (isOver()) return false;
		unseen = interrupt !== null && isUnseen(interrupt) ? unseen + 1 : 0;
	}
	return true;
}

/** Milliseconds; PostgreSQL looks at interrupts many times in them. */
const betweenLooks = 50;
/** In which a statement that was cancelled must end. */
const maxLooks = 40;
/** In a row. */
const maxUnseen = 8;

function isUnseen({memory, queryCancelPending, holdoffs}: Interrupt): boolean {
	const words = new Int32Array(memory);
	const isPending = Atomics.load(words, queryCancelPending >> 2) !== 0;
	return isPending && holdoffs.every(address => Atomics.load(words, address >> 2) === 0);
}

/** What was raised, and not seen before the statement was done, cancels no other one. */
export function withdrawInterrupt({memory, queryCancelPending}: Interrupt): void {
	Atomics.store(new Int32Array(memory), queryCancelPending >> 2, 0);
}
