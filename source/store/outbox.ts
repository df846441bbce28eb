import {MailboxError} from '../mailbox/error.ts';
import type {Draft} from '../mailbox/message.ts';
import type {Pending} from './state.ts';

type Keyed = Pending['draft'];

/** Where a draft goes, and where what becomes of it is shown. */
interface Surroundings {
	/** Resolves when the draft's row is there, rejects with MailboxError. However often it is called with one key, there is one row. */
	send(draft: Keyed): Promise<void>;
	shown(pending: Pending): void;
	unsent(clientId: string, phase: 'waiting' | 'refused', failure: string): void;
	/** False once the draft was withdrawn. */
	isWanted(clientId: string): boolean;
}

/** Milliseconds after which an unsent message is tried again while the connection looks sound. */
const retryDelay = 3000;

/**
 * What was written and has no row yet. It is sent one after the other, so that it stands there in the order in which it was
 * written, however long the connection was away; what is refused holds nothing up.
 */
export class Outbox {
	readonly #surroundings: Surroundings;
	/** The keys of what waits for its turn or has it. */
	readonly #queue = new Set<string>();
	#last: Promise<unknown> = Promise.resolve();
	/** Why the first could not be sent, and what ends its wait. */
	#waiting: {readonly failure: string; readonly end: () => void} | null = null;
	#closed = false;

	constructor(surroundings: Surroundings) {
		this.#surroundings = surroundings;
	}

	/** Resolves with null when it was sent or withdrawn, or with the sentence for which it was refused. */
	post(given: Draft): Promise<string | null> {
		const draft = {...given, client_id: given.client_id ?? crypto.randomUUID()};
		const failure = this.#waiting?.failure ?? null;
		const phase = failure === null ? 'sending' : 'waiting';
		this.#surroundings.shown({draft, since: Date.now(), phase, failure});
		this.#queue.add(draft.client_id);
		const turn = this.#last.then(async () => {
			const refusal = await this.#send(draft);
			this.#queue.delete(draft.client_id);
			return refusal;
		});
		this.#last = turn;
		return turn;
	}

	/** The connection is back, or a draft was withdrawn: what waits is tried at once. */
	retry(): void {
		this.#waiting?.end();
	}

	/** What cannot be sent now is not tried again. */
	close(): void {
		this.#closed = true;
		this.retry();
	}

	async #send(draft: Keyed): Promise<string | null> {
		const around = this.#surroundings;
		while (around.isWanted(draft.client_id)) {
			const error = await around.send(draft).then(() => null, asMailboxError);
			if (error === null) return null;
			if (error.code !== 'offline' || this.#closed) {
				around.unsent(draft.client_id, 'refused', error.sentence);
				return error.sentence;
			}
			// Those behind it wait for the same.
			for (const clientId of this.#queue) around.unsent(clientId, 'waiting', error.sentence);
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
