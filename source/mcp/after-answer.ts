import type {Transport} from '@modelcontextprotocol/sdk/shared/transport.js';
import type {RequestId} from './desk.ts';

/** A transport that says when an answer was written: a message counts as handed over then, and not before. */
export interface AnsweringTransport extends Transport {
	/** An answer that is an error instead drops the work. */
	afterAnswer(request: RequestId, work: () => Promise<void>): void;
	/** Resolves when all that was promised after answers is done. */
	settled(): Promise<void>;
}

interface Hearing {
	/** Resolves when what was sent has left this process, and rejects when it cannot. */
	readonly flushed?: () => Promise<void>;
	/** Hears what goes wrong in the work; the answer stands then already. */
	readonly failed: (error: unknown) => void;
}

export function withAfterAnswer<T extends Transport>(transport: T, {flushed, failed}: Hearing): T & AnsweringTransport {
	const promised = new Map<RequestId, () => Promise<void>>();
	const running = new Set<Promise<void>>();
	const send = transport.send.bind(transport);
	return Object.assign(transport, {
		async send(...[message, options]: Parameters<Transport['send']>): Promise<void> {
			const isAnswer = 'result' in message || 'error' in message;
			const id = isAnswer ? message.id : undefined;
			const work = id === undefined ? undefined : promised.get(id);
			if (id !== undefined) promised.delete(id);
			await send(message, options);
			if (work === undefined || !('result' in message) || message.result['isError'] === true) return;
			const run = (flushed?.() ?? Promise.resolve())
				.then(work)
				.catch(failed)
				.finally(() => running.delete(run));
			running.add(run);
		},
		afterAnswer(request: RequestId, work: () => Promise<void>): void {
			promised.set(request, work);
		},
		async settled(): Promise<void> {
			await Promise.all(running);
		},
	});
}
