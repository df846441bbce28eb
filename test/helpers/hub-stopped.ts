import {join} from 'node:path';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {takeLock} from '../../source/hub/files/lock.ts';
import type {HubPlaces} from '../../source/hub/files/places.ts';

/** Ends the hub and does something to its files, while programs that follow the mailbox cannot start it again. */
export async function whileStopped(places: HubPlaces, work: () => void): Promise<void> {
	for (;;) {
		await stopHub(places);
		const lock = await takeLock(join(places.data, 'hub.lock'));
		// One of them was first.
		if (lock === null) continue;
		try {
			return work();
		} finally {
			lock.release();
		}
	}
}
