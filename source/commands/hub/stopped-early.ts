import {HubError} from '../../hub/files/error.ts';
import type {Hub} from '../../hub/process/run.ts';

/** Milliseconds that a hub that is starting may take to end. */
const endingTime = 10_000;

/** The error for those who wait for a hub that was stopped before it had started. */
export function stoppedEarly(): HubError {
	return new HubError(
		'The hub was stopped before it had started.',
		'The next command starts it again; an update of its database continues where it was.',
	);
}

/**
 * The hub when it has started; null if it was stopped before. Whatever it cannot cancel ends with the process, as safely as by
 * a SIGKILL.
 */
export async function orStopped(
	started: Promise<Hub>,
	signal: AbortSignal,
	log: (sentence: string) => void,
): Promise<Hub | null> {
	let timer: NodeJS.Timeout | undefined;
	const onAbort = (): void => {
		timer = setTimeout(() => {
			log('Hub ended while it was starting.');
			process.exit(0);
		}, endingTime);
	};
	signal.addEventListener('abort', onAbort, {once: true});
	try {
		return await started;
	} catch (error) {
		if (!signal.aborted) throw error;
		log('Hub ended before it had started.');
		return null;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', onAbort);
	}
}
