import {DatabaseError, type Result} from '../database/database.ts';
import {timeLimit} from '../database/time-limits.ts';
import {committed} from './pglite.ts';
import type {WorkerCall, WorkerFailure} from './worker-messages.ts';

/** What is asked of the thread. */
export type Request = WorkerCall extends infer Call ? (Call extends WorkerCall ? Omit<Call, 'id'> : never) : never;

/** A call that the thread has not answered yet. */
export class PendingCall {
	readonly request: Request;
	/** The reason for cancelling it; null if it is not cancelled. */
	cancelled: Error | null = null;
	readonly #outcome = Promise.withResolvers<Result[]>();
	#unlisten = (): void => {};

	constructor(request: Request) {
		this.request = request;
	}

	get results(): Promise<Result[]> {
		return this.#outcome.promise;
	}

	/** Calls `onAbort` when the signal is aborted, if the call has not ended by then. */
	listen(signal: AbortSignal, onAbort: (reason: Error) => void): void {
		const listener = (): void => onAbort(signal.reason as Error);
		signal.addEventListener('abort', listener, {once: true});
		this.#unlisten = () => signal.removeEventListener('abort', listener);
	}

	resolve(results: Result[]): void {
		this.#unlisten();
		this.#outcome.resolve(results);
	}

	reject(error: Error): void {
		this.#unlisten();
		this.#outcome.reject(error);
	}

	/** Rejects with the thread's failure, or with the reason for cancelling if that is what the failure means. */
	fail(failure: WorkerFailure): void {
		this.reject(this.cancelled !== null && isCancelled(failure) ? this.cancelled : toError(failure));
	}
}

/** Milliseconds that a call may run; Infinity for no limit. `max`: for a role without a limit of its own. */
export function limitOf(request: Request, max: number): number {
	// Their time depends on the size of the database, and they do not check for interrupts: to cancel one would end the thread.
	if (request.call === 'copy' || request.call === 'close') return Infinity;
	return 'scope' in request ? timeLimit(request.scope, max) : max;
}

/** PostgreSQL's own message about a call that ran for longer than `limit`, in milliseconds. */
export function overtime(limit: number): DatabaseError {
	const hint = `Ask for less at once: the time limit is ${limit / 1000} s.`;
	return new DatabaseError('canceling statement due to statement timeout', canceled, null, hint);
}

/** SQLSTATE of a statement that was cancelled. */
const canceled = '57014';

/** Cancelled, and not committed. */
function isCancelled({code, details}: WorkerFailure): boolean {
	return code === canceled && details !== committed;
}

function toError({message, code, details, hint}: WorkerFailure): Error {
	return code === null ? new Error(message) : new DatabaseError(message, code, details, hint);
}
