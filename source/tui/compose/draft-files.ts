import {readdirSync, renameSync, statSync} from 'node:fs';
import {uptime} from 'node:os';
import path from 'node:path';
import {readPrivate, removePrivate, writePrivate} from '../terminal/private-file.ts';

/** `draft-PID.json`, or with another number one that this process has taken over; `draft.json` is that of earlier versions. */
const names = /^draft(?:-(\d+)(?:-\d+)?)?\.json$/;

/**
 * The drafts of this screen, in a file of its own: several screens of one mailbox do not know of each other and would overwrite
 * a common one. The drafts of screens that have ended are taken over by the next one that starts.
 */
export class DraftFiles {
	readonly #folder: string;
	readonly #own: string;
	#takenOver: readonly string[] = [];

	constructor(folder: string) {
		this.#folder = folder;
		this.#own = path.join(folder, `draft-${process.pid}.json`);
	}

	/** The texts of files that no running screen has, the latest last. They are removed by the first `write`. */
	takeOver(): readonly string[] {
		const files = this.#left();
		this.#takenOver = files.flatMap((file, index) => {
			// Of two screens that start at once, one gets it.
			const taken = path.join(this.#folder, `draft-${process.pid}-${index}.json`);
			try {
				renameSync(file, taken);
				return [taken];
			} catch {
				return [];
			}
		});
		return this.#takenOver.flatMap(file => readPrivate(file) ?? []);
	}

	/** Replaces this screen's file; null: it has no drafts. Throws Node's error. */
	write(text: string | null): void {
		if (text === null) removePrivate(this.#own);
		else writePrivate(this.#own, text);
		for (const file of this.#takenOver) removePrivate(file);
		this.#takenOver = [];
	}

	#left(): readonly string[] {
		try {
			return readdirSync(this.#folder)
				.filter(name => names.test(name))
				.map(name => ({name, file: path.join(this.#folder, name)}))
				.map(({name, file}) => ({file, pid: names.exec(name)?.[1], written: statSync(file).mtimeMs}))
				.filter(({pid, written}) => pid === undefined || !hasOwner(Number(pid), written))
				.sort((one, other) => one.written - other.written)
				.map(({file}) => file);
		} catch {
			return [];
		}
	}
}

/** Whether a screen that wrote its file then is still running. Ids of processes are used again, above all after a restart. */
function hasOwner(pid: number, written: number): boolean {
	const started = Date.now() - uptime() * 1000;
	if (pid === process.pid || written < started) return false;
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}
