import {
	closeSync,
	constants,
	fstatSync,
	lstatSync,
	openSync,
	readFileSync,
	rmSync,
	watch,
	type FSWatcher,
} from 'node:fs';
import {dirname} from 'node:path';
import type {Lock} from '../files/lock.ts';
import type {Log} from '../files/log.ts';
import {makePrivateFolder, writePrivateFile} from '../files/private-file.ts';

/** Milliseconds between two checks. */
const tick = 1000;
/** Milliseconds from a change in a folder to the check, so that a file being written is complete. */
const delay = 50;

export interface HeldHomeOptions {
	/** The hub's lock. */
	readonly lock: Lock;
	/** Folders to recreate if they are missing. */
	readonly folders: readonly string[];
	readonly log: Log;
	/** Called once, when the home was moved, removed or replaced. */
	readonly onDisplaced: () => void;
}

/**
 * Watches the home of a running hub: whether it is still there, and the hub's files in it, which are written again when somebody changes
 * or removes them. Changes nothing once the home is another hub's.
 */
export class HeldHome {
	readonly #options: HeldHomeOptions;
	/** The contents of the hub's files, by path. */
	readonly #texts = new Map<string, string>();
	/** Paths that were missing at the last check. They are recreated at the next one: the whole home may be in the process of being removed. */
	#missing = new Set<string>();
	/** Paths that could not be written, to log each once. */
	readonly #failing = new Set<string>();
	/** By folder. */
	readonly #watchers = new Map<string, FSWatcher | null>();
	readonly #timer: NodeJS.Timeout;
	#soon: NodeJS.Timeout | undefined;
	#displaced = false;

	constructor(options: HeldHomeOptions) {
		this.#options = options;
		this.#timer = setInterval(() => this.#look(true), tick);
	}

	/** Whether the lock is still at its path. Check this before using any file of the home and before sending a response. */
	isInPlace(): boolean {
		if (!this.#displaced && !this.#options.lock.isAt()) this.displace();
		return !this.#displaced;
	}

	/** Call when a part of the home was found to be another hub's. */
	displace(): void {
		if (this.#displaced) return;
		this.#displaced = true;
		this.end();
		this.#options.onDisplaced();
	}

	/** Writes the file and watches it from now on. Throws HubError if that fails, and tries again later. */
	write(path: string, text: string): void {
		this.#texts.set(path, text);
		if (this.isInPlace()) writePrivateFile(path, text);
		this.#watch(dirname(path));
	}

	/** Watches a file that exists, with its present contents. */
	adopt(path: string): void {
		const text = textIn(path);
		if (text === null) return;
		this.#texts.set(path, text);
		this.#watch(dirname(path));
	}

	/** Removes a file and stops watching it. Throws Node's error. */
	remove(path: string): void {
		this.#texts.delete(path);
		if (this.isInPlace()) rmSync(path, {force: true});
	}

	end(): void {
		clearInterval(this.#timer);
		clearTimeout(this.#soon);
		for (const watcher of this.#watchers.values()) watcher?.close();
	}

	#look(isTick: boolean): void {
		if (!this.isInPlace()) return;
		const {folders, log} = this.#options;
		const missing = new Set([...folders, ...this.#texts.keys()].filter(path => !isThere(path)));
		const isDue = (path: string): boolean => !missing.has(path) || (isTick && this.#missing.has(path));
		for (const folder of folders) {
			if (missing.has(folder) && isDue(folder)) this.#attempt(folder, () => makePrivateFolder(folder));
		}
		for (const [path, text] of this.#texts) {
			if (!isDue(path) || textIn(path) === text) continue;
			this.#attempt(path, () => {
				writePrivateFile(path, text);
				log(`${path} was changed or removed, and has been written again.`);
			});
		}
		if (isTick) this.#missing = missing;
	}

	#attempt(path: string, work: () => void): void {
		try {
			work();
			this.#failing.delete(path);
		} catch (error) {
			if (!this.#failing.has(path)) this.#options.log((error as Error).message);
			this.#failing.add(path);
		}
	}

	/** Watching may be unavailable or miss changes; the periodic check finds them. */
	#watch(folder: string): void {
		if (this.#watchers.has(folder)) return;
		this.#watchers.set(folder, null);
		try {
			const watcher = watch(folder, {persistent: false}, () => {
				clearTimeout(this.#soon);
				this.#soon = setTimeout(() => this.#look(false), delay);
			});
			this.#watchers.set(
				folder,
				watcher.on('error', () => watcher.close()),
			);
		} catch {
			// The periodic check finds changes.
		}
	}
}

function isThere(path: string): boolean {
	return lstatSync(path, {throwIfNoEntry: false}) !== undefined;
}

/** Null if it is missing, unreadable or not an ordinary file. Follows no link, and does not block on a pipe. */
function textIn(path: string): string | null {
	let file: number | undefined;
	try {
		file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
		return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : null;
	} catch {
		return null;
	} finally {
		if (file !== undefined) closeSync(file);
	}
}
