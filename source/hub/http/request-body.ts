import type {IncomingMessage} from 'node:http';

export interface BodyLimits {
	/**
	 * Bytes of one body. Supabase's gateway has no limit, and bulk inserts of ten megabytes are common; but the database makes several
	 * copies of a body, and a larger one would take most of its memory.
	 */
	readonly size: number;
	/** Bytes of all bodies being read. */
	readonly total: number;
	/** Milliseconds that a body may take; more if it arrives faster than `rate`, in bytes per second. */
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

/** Reads request bodies, and limits their total size. */
export class Bodies {
	readonly #limits: BodyLimits;
	/** Bytes of the bodies being read. */
	#total = 0;

	constructor(limits: BodyLimits) {
		this.#limits = limits;
	}

	/** The body, or the reason why it was refused; then the rest is not read. */
	async read(request: IncomingMessage): Promise<Buffer | BodyFault> {
		const {size: largest, total, time, rate} = this.#limits;
		if (Number(request.headers['content-length'] ?? 0) > largest) return 'too large';
		const {promise, resolve} = Promise.withResolvers<Buffer | BodyFault>();
		const chunks: Buffer[] = [];
		const start = performance.now();
		let size = 0;
		const onData = (chunk: Buffer): void => {
			size += chunk.length;
			this.#total += chunk.length;
			chunks.push(chunk);
			if (size > largest) resolve('too large');
			else if (this.#total > total) resolve('too many');
		};
		const onEnd = (): void => resolve(Buffer.concat(chunks));
		const onClose = (): void => resolve('gone');
		// A timer, because a client that stops sending triggers no events.
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
		this.#total -= size;
		return body;
	}
}
