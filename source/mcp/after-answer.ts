import type {Transport} from '@modelcontextprotocol/sdk/shared/transport.js';
import type {RequestId} from './desk.ts';

/** A transport that says when an answer was written: a message counts as handed over then, and not before. */
export interface AnsweringTransport extends Transport {
	afterAnswer(request: RequestId, work: () => Promise<void>): void;
	/** Resolves when all that was promised after answers is done. */
	settled(): Promise<void>;
}

/** `failed` hears what goes wrong in the work; the answer stands then already. */
export function withAfterAnswer<T extends Transport>(
	transport: T,
	failed: (error: unknown) => void,
): T & AnsweringTransport {
	const promised = new Map<RequestId, () => Promise<void>>();
	const running = new Set<Promise<void>>();
	const send = transport.send.bind(transport);
	return Object.assign(transport, {
		async send(...[message, options]: Parameters<Transport['send']>): Promise<void> {
			await send(message, options);
			if (!('result' in message) && !('error' in message)) return;
			const {id} = message;
			const work = id === undefined ? undefined : promised.get(id);
			if (id === undefined || work === undefined) return;
			promised.delete(id);
			const run = work()
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
