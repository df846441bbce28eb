import {setTimeout as sleep} from 'node:timers/promises';
import {HubError} from '../files/error.ts';
import {takeLock, type Lock} from '../files/lock.ts';
import type {HubPaths} from '../files/paths.ts';
import {hubLock, hubProcess} from './find.ts';

/** Takes the lock that a hub holds while it runs. Rejects with HubError if another hub holds it. */
export async function takeHubLock(paths: HubPaths): Promise<Lock> {
	// A process that only checks the lock holds it for a moment.
	for (let tries = 0; ; tries += 1) {
		const lock = await takeLock(hubLock(paths), {sign: true});
		if (lock !== null) return lock;
		if (tries === 20 || hubProcess(paths) !== null) throw alreadyRunning(paths);
		await sleep(50);
	}
}

function alreadyRunning(paths: HubPaths): HubError {
	const pid = hubProcess(paths);
	const who = pid === null ? 'Another process' : `Another hub (process ${pid})`;
	return new HubError(`${who} is using ${paths.data}.`, 'Use that one, or stop it with `agentmux hub stop`.');
}
