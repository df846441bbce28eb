import type {Transport} from '@modelcontextprotocol/sdk/shared/transport.js';

export type RequestId = string | number;

/** What to do after the answer to a request: one of the two, once. */
interface AfterAnswer {
	/** The answer was written, and has left this process. */
	readonly written: () => Promise<void>;
	/** The request was cancelled, failed, or its answer could not be written. */
	readonly lost: () => Promise<void>;
}

/** A transport that reports when an answer was written, because only then does a message count as handed over. */
export interface AnsweringTransport extends Transport {
	/** `signal` is aborted if the client cancels the request or goes away. */
	afterAnswer(request: RequestId, work: AfterAnswer, signal: AbortSignal): void;
	/** Resolves when all running work is done. */
	settled(): Promise<void>;
}

interface Hooks {
	/** Resolves when everything sent has left this process; rejects if that is not possible. */
	readonly flushed?: () => Promise<void>;
	/** Called with errors of the work. By then the answer was already sent. */
	readonly failed: (error: unknown) => void;
}

export function withAfterAnswer<T extends Transport>(transport: T, {flushed, failed}: Hooks): T & AnsweringTransport {
	const pending = new Map<RequestId, AfterAnswer>();
	const running = new Set<Promise<void>>();
	const send = transport.send.bind(transport);
	const run = (work: () => Promise<void>): void => {
		const ending = work()
			.catch(failed)
			.finally(() => running.delete(ending));
		running.add(ending);
	};
	/** Removes the work; false if it was already done. */
	const take = (id: RequestId, work: AfterAnswer): boolean => pending.get(id) === work && pending.delete(id);
	const drop = (id: RequestId, work: AfterAnswer): void => {
		if (take(id, work)) run(work.lost);
	};
	return Object.assign(transport, {
		async send(...[message, options]: Parameters<Transport['send']>): Promise<void> {
			const isAnswer = 'result' in message || 'error' in message;
			const id = isAnswer ? message.id : undefined;
			const work = id === undefined ? undefined : pending.get(id);
			if (id === undefined || work === undefined) return send(message, options);
			try {
				await send(message, options);
			} catch (error) {
				drop(id, work);
				throw error;
			}
			if (!('result' in message) || message.result['isError'] === true) drop(id, work);
			else if (take(id, work)) run(() => afterFlush(work));
		},
		afterAnswer(request: RequestId, work: AfterAnswer, signal: AbortSignal): void {
			pending.set(request, work);
			if (signal.aborted) drop(request, work);
			// Also while the answer is being written to a client that does not read.
			else signal.addEventListener('abort', () => drop(request, work), {once: true});
		},
		async settled(): Promise<void> {
			await Promise.all(running);
		},
	});

	async function afterFlush({written, lost}: AfterAnswer): Promise<void> {
		try {
			await flushed?.();
		} catch (error) {
			failed(error);
			return lost();
		}
		return written();
	}
}
