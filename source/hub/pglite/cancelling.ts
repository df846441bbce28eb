import {setTimeout as sleep} from 'node:timers/promises';
import {isUnheeded, raiseInterrupt, type Interrupt} from './interrupt.ts';
import type {Progress} from './progress.ts';

/** Milliseconds between attempts to cancel a call that is not running yet. */
const cancelAgain = 20;

interface Cancelling {
	readonly progress: Progress;
	/** The id of the call, which is another one after the thread was replaced; undefined when the call has ended. */
	readonly idOf: () => number | undefined;
	/** The means to cancel; undefined while no thread has opened the database, null for a thread that has none. */
	readonly interruptOf: () => Interrupt | null | undefined;
}

/** Cancels a call as soon as it runs. Resolves with its id if it does not end then, so that its thread must be ended. */
export async function cancelCall({progress, idOf, interruptOf}: Cancelling): Promise<number | null> {
	for (let deadline = performance.now() + cancelAgain; ;) {
		const id = idOf();
		if (id === undefined) return null;
		const interrupt = interruptOf();
		const isCancelled = !!interrupt && progress.cancel(id, () => raiseInterrupt(interrupt));
		const isRunning = interrupt !== undefined && progress.begun === id;
		if (isCancelled || (isRunning && performance.now() > deadline)) {
			// If it can no longer be cancelled, it is committing, and gets the full time for that.
			const isOver = (): boolean => idOf() !== id;
			return (await isUnheeded(isCancelled ? interrupt : null, isOver)) ? id : null;
		}
		if (!isRunning) deadline = performance.now() + cancelAgain;
		await sleep(cancelAgain);
	}
}
