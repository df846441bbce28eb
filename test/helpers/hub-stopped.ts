import {join} from 'node:path';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {takeLock} from '../../source/hub/files/lock.ts';
import type {HubPaths} from '../../source/hub/files/paths.ts';

/** Ends the hub and does something to its files, while programs that follow the mailbox cannot start it again. */
export async function whileStopped(paths: HubPaths, work: () => void): Promise<void> {
	for (;;) {
		await stopHub(paths);
		const lock = await takeLock(join(paths.data, 'hub.lock'));
		// One of them was first.
		if (lock === null) continue;
		try {
			return work();
		} finally {
			lock.release();
		}
	}
}
