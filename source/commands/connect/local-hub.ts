import type {Config} from '../../config.ts';
import {HubError} from '../../hub/files/error.ts';
import {ensureHub, wasStopped} from '../../hub/process/ensure.ts';
import {findHub, type RunningHub} from '../../hub/process/find.ts';
import {MailboxError} from '../../mailbox/error.ts';

/** Milliseconds after which progress is reported. */
const quietTime = 300;

/** Finds or starts the hub; reports progress if that takes longer than `quietTime`. Rejects with MailboxError. */
export async function startedHub({paths, databaseUrl}: Config, say: (sentence: string) => void): Promise<RunningHub> {
	let last: string | null = null;
	let isQuiet = true;
	const sayLast = (): void => {
		if (!isQuiet && last !== null) say(last);
		last = null;
	};
	const timer = setTimeout(() => {
		isQuiet = false;
		sayLast();
	}, quietTime);
	try {
		return await ensureHub(paths, {
			databaseUrl,
			onProgress(sentence) {
				last = sentence;
				sayLast();
			},
		});
	} catch (error) {
		throw asMailboxError(error);
	} finally {
		clearTimeout(timer);
	}
}

/** Finds the hub again. One that died is restarted; one that was stopped on purpose stays stopped. Rejects with MailboxError. */
export async function foundAgain({paths, databaseUrl}: Config): Promise<RunningHub> {
	try {
		const hub = await findHub(paths);
		if (hub !== null) return hub;
		if (!wasStopped(paths)) return await ensureHub(paths, {databaseUrl});
	} catch (error) {
		throw asMailboxError(error);
	}
	throw new MailboxError('offline', 'The hub was stopped.', 'Start it with `agentmux hub start`.');
}

/** Turns the hub's errors into MailboxErrors. */
export async function withMailboxErrors<T>(work: Promise<T>): Promise<T> {
	return work.catch((error: unknown) => {
		throw asMailboxError(error);
	});
}

function asMailboxError(error: unknown): unknown {
	return error instanceof HubError ? new MailboxError('offline', error.message, error.remedy, {cause: error}) : error;
}
