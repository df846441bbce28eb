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

/** Milliseconds between two looks, whatever has been noticed meanwhile. */
const tick = 1000;
/** Milliseconds from a change in a folder to a look at it: whoever writes a file is through by then. */
const delay = 50;

export interface HeldHomeOptions {
	/** That of the hub. */
	readonly lock: Lock;
	/** Folders that are made again where they are missing. */
	readonly folders: readonly string[];
	readonly log: Log;
	/** Called once, when the home is no longer where it was. */
	readonly onDisplaced: () => void;
}

/**
 * The home of a hub that runs: whether it is still there, and the hub's own files in it, which it writes again when somebody
 * has emptied, changed or removed them. Nothing is touched once the home is another's.
 */
export class HeldHome {
	readonly #options: HeldHomeOptions;
	/** What the hub wrote, by path. */
	readonly #texts = new Map<string, string>();
	/** What was missing at the last tick: whoever removes the whole home begins somewhere. */
	#missing = new Set<string>();
	/** What could not be written, said once. */
	readonly #failing = new Set<string>();
	/** By the folder of the files. */
	readonly #watchers = new Map<string, FSWatcher | null>();
	readonly #timer: NodeJS.Timeout;
	#soon: NodeJS.Timeout | undefined;
	#displaced = false;

	constructor(options: HeldHomeOptions) {
		this.#options = options;
		this.#timer = setInterval(() => this.#look(true), tick);
	}

	/** Whether its lock still lies where it was taken. Asked before anything of it is used or answered. */
	isInPlace(): boolean {
		if (!this.#displaced && !this.#options.lock.isAt()) this.displace();
		return !this.#displaced;
	}

	/** Something of it was found to be another's. */
	displace(): void {
		if (this.#displaced) return;
		this.#displaced = true;
		this.end();
		this.#options.onDisplaced();
	}

	/** Writes the file and looks after it from now on. Throws HubError, and tries again later. */
	write(path: string, text: string): void {
		this.#texts.set(path, text);
		if (this.isInPlace()) writePrivateFile(path, text);
		this.#watch(dirname(path));
	}

	/** Looks after a file as it is now. */
	adopt(path: string): void {
		const text = textIn(path);
		if (text === null) return;
		this.#texts.set(path, text);
		this.#watch(dirname(path));
	}

	/** Removes a file that it looked after. Throws Node's error. */
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
				log(`${path} had been changed or removed; wrote it again.`);
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

	/** Not every file system tells, and not for every user: then there is the tick. */
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
			// The tick sees it.
		}
	}
}

function isThere(path: string): boolean {
	return lstatSync(path, {throwIfNoEntry: false}) !== undefined;
}

/**
 * Null for what is not there, cannot be read, or is no ordinary file: a link is not what the hub wrote, wherever it leads, and to
 * open a pipe waits for a writer, and everything with it.
 */
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
