import {randomUUID} from 'node:crypto';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {mayBeMore} from '../../mailbox/query.ts';
import {sameTag} from '../../mailbox/tag.ts';
import type {RequestId} from './after-answer.ts';
import type {Session} from './session.ts';

/** What `receipts` calls this way. */
export const route = 'mcp';

/** Messages that one request has leased, and hands over or gives back. */
export interface Taken {
	/** What `Mailbox.release` calls them. */
	readonly id: string;
	/** Oldest first. */
	readonly messages: readonly Message[];
	/** There may be further ones. */
	readonly more: boolean;
	/** Ids of those that the reader may have been handed before. */
	readonly again: ReadonlySet<number>;
	/** Whether the lease may have ended by now. */
	readonly isLate: () => boolean;
}

/** Milliseconds in which an answer must be written: the lease lasts 30 s, of which a part may have passed before it was known. */
const handOverWithin = 25_000;
/** Milliseconds until a receipt that did not get through is sent again. */
const retryEvery = 2000;

/**
 * What one server takes from the mailbox and hands over. A receipt that does not get through is sent again until it does, and
 * its message is not shown a second time by this server, as a session's hooks do it.
 */
export class Taking {
	readonly #desk: Session;
	/** Ids whose text the client has, but whose receipt did not get through. */
	readonly #unsaid = new Set<number>();
	#retry: NodeJS.Timeout | null = null;

	constructor(session: Session) {
		this.#desk = session;
	}

	/** Takes what there is, at most `limit`. */
	async take(mailbox: Mailbox, limit: number): Promise<Taken> {
		const id = randomUUID();
		const isLate = lateAfter(handOverWithin);
		const taken = await mailbox.take({limit, route, takeId: id}).catch((error: unknown) => {
			// Where the answer alone was lost, somebody else may have them at once.
			mailbox.release(id).catch(() => undefined);
			throw error;
		});
		const more = mayBeMore(taken, limit);
		const messages = taken.filter(message => !this.#unsaid.has(message.id));
		if (this.#unsaid.size > 0) await this.#say(mailbox).catch(() => undefined);
		return {id, messages, more, again: await this.#handedOver(mailbox, messages), isLate};
	}

	/** The same; or nothing, where this took so long that somebody else may have it by now. It is given back then. */
	stillHeld(mailbox: Mailbox, taken: Taken): Taken {
		if (taken.messages.length === 0 || !taken.isLate()) return taken;
		mailbox.release(taken.id).catch(() => undefined);
		return {...taken, messages: [], more: true};
	}

	/** Has what was taken marked as handed over, or given back, as soon as it is known whether the answer was written. */
	answered(mailbox: Mailbox, {id, messages}: Taken, request: RequestId, signal: AbortSignal): void {
		const written = async (): Promise<void> => {
			for (const message of messages) this.#unsaid.add(message.id);
			await this.#say(mailbox);
		};
		this.#desk.afterAnswer(request, {written, lost: () => mailbox.release(id)}, signal);
	}

	/** Sends the receipts that are missing; rejects where that fails, and tries again. */
	async #say(mailbox: Mailbox): Promise<void> {
		const ids = [...this.#unsaid];
		try {
			await mailbox.deliver(ids, route);
			for (const id of ids) this.#unsaid.delete(id);
		} catch (error) {
			// It must not keep a process alive whose client has gone.
			if (this.#retry === null) this.#retry = setTimeout(() => void this.#sayAgain(mailbox), retryEvery).unref();
			throw error;
		}
	}

	async #sayAgain(mailbox: Mailbox): Promise<void> {
		this.#retry = null;
		// Another may have got through meanwhile.
		if (this.#unsaid.size > 0) await this.#say(mailbox).catch(() => undefined);
	}

	/** What was handed over before, or taken by somebody who may have done so and did not get to say it. */
	async #handedOver(mailbox: Mailbox, messages: readonly Message[]): Promise<ReadonlySet<number>> {
		if (messages.length === 0) return new Set();
		// What was taken is handed over, whatever becomes of this.
		const receipts = await mailbox.receipts(messages.map(({id}) => id)).catch(() => []);
		const own = receipts.filter(({reader, attempts, takes}) => sameTag(reader, this.#desk.tag) && attempts + takes > 1);
		return new Set(own.map(({message_id}) => message_id));
	}
}

/** Tells whether so many milliseconds have passed from now on, also where the machine slept or its clock was put back. */
function lateAfter(milliseconds: number): () => boolean {
	const [wall, steady] = [Date.now(), performance.now()];
	return () => Math.max(Date.now() - wall, performance.now() - steady) > milliseconds;
}
