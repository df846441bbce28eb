import {readFile} from 'node:fs/promises';
import type {PGlite} from '@electric-sql/pglite';
import {withSharedMemory} from './shared-memory.ts';

/**
 * Lets another thread cancel the running statement, by setting the variables that PostgreSQL's signal handler would set and that it
 * checks at every step. PGlite has no signals, and its thread receives no messages while it computes, so its memory is shared.
 */
export interface Interrupt {
	readonly memory: SharedArrayBuffer;
	/** Addresses of int variables in PostgreSQL. */
	readonly interruptPending: number;
	readonly queryCancelPending: number;
	/** Addresses of int variables that are not 0 while PostgreSQL handles no interrupts: when it commits, or writes and flushes. */
	readonly holdoffs: readonly number[];
	/** Address of the pointer to the latch that a sleeping statement waits for; its first field tells whether it is set. */
	readonly latch: number;
}

/** Pages of 64 KiB; the sizes that PGlite uses by default. */
const pages = {initial: 2048, maximum: 32_768};

export function sharedMemory(): WebAssembly.Memory {
	return new WebAssembly.Memory({...pages, shared: true});
}

/** PGlite's module, changed to use a memory that threads can share. */
export async function sharingModule(): Promise<WebAssembly.Module> {
	const file = new URL('pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
	return WebAssembly.compile(withSharedMemory(await readFile(file)));
}

/** Throws if PGlite does not export the variables. */
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

/** Libraries that PostgreSQL loads later (plpgsql, ...) import the same memory. Their files are in the thread's memory, not on disk. */
function shareWithLibraries(files: FileSystem): void {
	for (const name of files.readdir(libraries)) {
		if (!name.endsWith('.so')) continue;
		const {node} = files.lookupPath(`${libraries}/${name}`);
		node.contents = withSharedMemory(node.contents.subarray(0, node.usedBytes));
		node.usedBytes = node.contents.length;
	}
}

const libraries = '/pglite/lib/postgresql';

/** Does what PostgreSQL's handler of SIGINT does. The thread reacts at its next check. */
export function raiseInterrupt({memory, interruptPending, queryCancelPending, latch}: Interrupt): void {
	const words = new Int32Array(memory);
	Atomics.store(words, queryCancelPending >> 2, 1);
	Atomics.store(words, interruptPending >> 2, 1);
	const isSet = Atomics.load(words, latch >> 2);
	if (isSet !== 0) Atomics.store(words, isSet >> 2, 1);
}

/**
 * Waits for a cancelled statement to end. Resolves with false when `isOver`, and with true if the thread must be ended: soon if PostgreSQL
 * could have checked for interrupts but did not, as in a few functions on long texts; later if it is busy committing or writing.
 */
export async function isUnheeded(interrupt: Interrupt | null, isOver: () => boolean): Promise<boolean> {
	// Counted, not timed: while the machine sleeps or the process is stopped, PostgreSQL does not check either.
	for (let looks = 0, unseen = 0; looks < maxLooks && unseen < maxUnseen; looks += 1) {
		await new Promise(resolve => setTimeout(resolve, betweenLooks));
		if (isOver()) return false;
		unseen = interrupt !== null && isUnseen(interrupt) ? unseen + 1 : 0;
	}
	return true;
}

/** Milliseconds, in which PostgreSQL checks for interrupts many times. */
const betweenLooks = 50;
/** The number of checks after which a cancelled statement must have ended. */
const maxLooks = 40;
/** The number of checks in a row in which PostgreSQL could have reacted and did not. */
const maxUnseen = 8;

function isUnseen({memory, queryCancelPending, holdoffs}: Interrupt): boolean {
	const words = new Int32Array(memory);
	const isPending = Atomics.load(words, queryCancelPending >> 2) !== 0;
	return isPending && holdoffs.every(address => Atomics.load(words, address >> 2) === 0);
}

/** Withdraws an interrupt that came too late, so that it does not cancel the next statement. */
export function withdrawInterrupt({memory, queryCancelPending}: Interrupt): void {
	Atomics.store(new Int32Array(memory), queryCancelPending >> 2, 0);
}
