import {closeSync, constants, existsSync, openSync} from 'node:fs';
import {join} from 'node:path';
import {takeLock} from '../files/lock.ts';

/** A lock file in the data directory. The directory is ours as long as this file is locked and at its path. */
export const directoryLock = 'agentmux.lock';

export interface HeldDirectory {
	/**
	 * The path for opening its files. On Linux, it leads to the held directory even if that is moved; elsewhere it is the directory's own
	 * path, so `isInPlace` must be checked before and after.
	 */
	readonly root: string;
	/** Whether the path still leads to the held directory. */
	isInPlace(): boolean;
	/** Call only when none of its files are open. */
	release(): void;
}

/** Holds a data directory until it is released; null if another process holds it. Rejects with HubError. */
export async function holdDirectory(directory: string): Promise<HeldDirectory | null> {
	const path = join(directory, directoryLock);
	const lock = await takeLock(path, {sign: true});
	if (lock === null) return null;
	const file = process.platform === 'linux' ? openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY) : null;
	const held = file === null ? null : `/proc/self/fd/${file}`;
	const canBeHeld = held !== null && existsSync(join(held, 'PG_VERSION')) && lock.isAt(join(held, directoryLock));
	return {
		root: canBeHeld ? held : directory,
		isInPlace: () => lock.isAt(),
		release() {
			if (file !== null) closeSync(file);
			lock.release();
		},
	};
}
