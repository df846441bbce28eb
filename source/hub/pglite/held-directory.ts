import {closeSync, constants, existsSync, openSync} from 'node:fs';
import {join} from 'node:path';
import {takeLock} from '../files/lock.ts';

/** In the data directory itself: what stands under its name is ours as long as this is locked and still there. */
export const directoryLock = 'agentmux.lock';

export interface HeldDirectory {
	/**
	 * What its files are opened below. On Linux it leads to the held directory itself, wherever that is moved; elsewhere it is
	 * the path, so that `isInPlace` has to be asked before and after.
	 */
	readonly root: string;
	/** Whether the path still leads to the held directory. */
	isInPlace(): boolean;
	/** Only once nobody has a file of it open. */
	release(): void;
}

/** Holds a data directory until it is released; null when another process does. Rejects with HubError. */
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
