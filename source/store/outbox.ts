import {MailboxError} from '../mailbox/error.ts';
import type {Draft} from '../mailbox/message.ts';
import type {Pending} from './state/state.ts';

type Keyed = Pending['draft'];

/** How to send a draft, and where to report its progress. */
interface OutboxOptions {
	/** Resolves when the draft's row exists, rejects with MailboxError. Repeated calls with one key create only one row. */
	readonly send: (draft: Keyed) => Promise<void>;
	readonly onPending: (pending: Pending) => void;
	readonly onUnsent: (clientId: string, phase: 'waiting' | 'refused', failure: string) => void;
	/** False once the draft was withdrawn. */
	readonly isWanted: (clientId: string) => boolean;
}

/** Milliseconds after which sending is tried again even if the connection did not change. */
const retryDelay = 3000;

/**
 * Messages that were written and have no row yet. They are sent one after the other, so that they keep the order in which they
 * were written, however long the connection was away. A refused message does not hold up the others.
 */
export class Outbox {
	readonly #options: OutboxOptions;
	/** The keys of the drafts that are being sent or wait for their turn. */
	readonly #queue = new Set<string>();
	#last: Promise<unknown> = Promise.resolve();
	/** Why the first draft could not be sent, and a function that ends its wait. */
	#waiting: {readonly failure: string; readonly end: () => void} | null = null;
	#closed = false;

	constructor(options: OutboxOptions) {
		this.#options = options;
	}

	/** Resolves with null when the draft was sent or withdrawn, or with the reason for which it was refused. */
	post(given: Draft): Promise<string | null> {
		const draft = {...given, client_id: given.client_id ?? crypto.randomUUID()};
		const failure = this.#waiting?.failure ?? null;
		const phase = failure === null ? 'sending' : 'waiting';
		this.#options.onPending({draft, since: Date.now(), phase, failure});
		this.#queue.add(draft.client_id);
		const turn = this.#last.then(async () => {
			const refusal = await this.#send(draft);
			this.#queue.delete(draft.client_id);
			return refusal;
		});
		this.#last = turn;
		return turn;
	}

	/** Tries again without waiting: the connection is back, or a draft was withdrawn. */
	retry(): void {
		this.#waiting?.end();
	}

	/** Gives up on drafts that cannot be sent now. */
	close(): void {
		this.#closed = true;
		this.retry();
	}

	async #send(draft: Keyed): Promise<string | null> {
		const {isWanted, send, onUnsent} = this.#options;
		while (isWanted(draft.client_id)) {
			const error = await send(draft).then(() => null, asMailboxError);
			if (error === null) return null;
			if (error.code !== 'offline' || this.#closed) {
				onUnsent(draft.client_id, 'refused', error.sentence);
				return error.sentence;
			}
			// The drafts behind it wait for the same reason.
			for (const clientId of this.#queue) onUnsent(clientId, 'waiting', error.sentence);
			await new Promise<void>(end => {
				this.#waiting = {failure: error.sentence, end};
				setTimeout(end, retryDelay).unref();
			});
			this.#waiting = null;
		}
		return null;
	}
}

function asMailboxError(error: unknown): MailboxError {
	return error instanceof MailboxError ? error : new MailboxError('internal', String(error), '', {cause: error});
}
