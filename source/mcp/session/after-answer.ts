import type {Transport} from '@modelcontextprotocol/sdk/shared/transport.js';

export type RequestId = string | number;

/** What follows the answer to a request: one of the two, once. */
interface AfterAnswer {
	/** It was written, and has left this process. */
	readonly written: () => Promise<void>;
	/** It was given up, is an error instead, or could not be written. */
	readonly lost: () => Promise<void>;
}

/** A transport that says when an answer was written: a message counts as handed over then, and not before. */
export interface AnsweringTransport extends Transport {
	/** `signal` tells that the client has cancelled the request, or has gone. */
	afterAnswer(request: RequestId, work: AfterAnswer, signal: AbortSignal): void;
	/** Resolves when all that follows answers is done. */
	settled(): Promise<void>;
}

interface Hearing {
	/** Resolves when what was sent has left this process, and rejects when it cannot. */
	readonly flushed?: () => Promise<void>;
	/** Hears what goes wrong in the work; the answer stands then already. */
	readonly failed: (error: unknown) => void;
}

export function withAfterAnswer<T extends Transport>(transport: T, {flushed, failed}: Hearing): T & AnsweringTransport {
	const promised = new Map<RequestId, AfterAnswer>();
	const running = new Set<Promise<void>>();
	const send = transport.send.bind(transport);
	const run = (work: () => Promise<void>): void => {
		const ending = work()
			.catch(failed)
			.finally(() => running.delete(ending));
		running.add(ending);
	};
	/** Whether nobody has done it before. */
	const take = (id: RequestId, work: AfterAnswer): boolean => promised.get(id) === work && promised.delete(id);
	const drop = (id: RequestId, work: AfterAnswer): void => {
		if (take(id, work)) run(work.lost);
	};
	return Object.assign(transport, {
		async send(...[message, options]: Parameters<Transport['send']>): Promise<void> {
			const isAnswer = 'result' in message || 'error' in message;
			const id = isAnswer ? message.id : undefined;
			const work = id === undefined ? undefined : promised.get(id);
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
			promised.set(request, work);
			if (signal.aborted) drop(request, work);
			// Also while it is being written, to a client that does not read.
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
