import type {IncomingMessage} from 'node:http';

export interface BodyLimits {
	/**
	 * Bytes of one body. Supabase's gateway has no bound, and bulk inserts of ten megabytes are usual; beyond this one a single
	 * request would cost the database, which holds several copies of it, most of its memory.
	 */
	readonly size: number;
	/** Bytes of all bodies that are being read. */
	readonly total: number;
	/** Milliseconds that a body may take, and bytes a second above which it may take longer. */
	readonly time: number;
	readonly rate: number;
}

export const bodyLimits: BodyLimits = {
	size: 16 * 1024 * 1024,
	total: 192 * 1024 * 1024,
	time: 15_000,
	rate: 256 * 1024,
};

export type BodyFault = 'too large' | 'too slow' | 'too many' | 'gone';

/** Reads request bodies, and limits what all of them take together. */
export class Bodies {
	readonly #limits: BodyLimits;
	/** Bytes held for bodies that are not complete. */
	#held = 0;

	constructor(limits: BodyLimits) {
		this.#limits = limits;
	}

	/** The body, or why it was refused; the rest of it is not read then. */
	async read(request: IncomingMessage): Promise<Buffer | BodyFault> {
		const {size: largest, total, time, rate} = this.#limits;
		if (Number(request.headers['content-length'] ?? 0) > largest) return 'too large';
		const {promise, resolve} = Promise.withResolvers<Buffer | BodyFault>();
		const chunks: Buffer[] = [];
		const start = performance.now();
		let size = 0;
		const onData = (chunk: Buffer): void => {
			size += chunk.length;
			this.#held += chunk.length;
			chunks.push(chunk);
			if (size > largest) resolve('too large');
			else if (this.#held > total) resolve('too many');
		};
		const onEnd = (): void => resolve(Buffer.concat(chunks));
		const onClose = (): void => resolve('gone');
		// A timer, because a client that stops sending causes no more events.
		const timer = setInterval(
			() => {
				if (performance.now() - start > time + (size / rate) * 1000) resolve('too slow');
			},
			Math.min(1000, time),
		);
		request.on('data', onData).once('end', onEnd).once('error', onClose).once('close', onClose);
		const body = await promise;
		clearInterval(timer);
		request.off('data', onData).off('end', onEnd).off('close', onClose);
		if (typeof body === 'string') request.pause();
		this.#held -= size;
		return body;
	}
}
