import {randomUUID} from 'node:crypto';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import {mayBeMore} from '../mailbox/query.ts';
import {sameTag} from '../mailbox/tag.ts';
import type {RequestId} from './after-answer.ts';
import type {Desk} from './desk.ts';

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
}

/** Milliseconds until a receipt that did not get through is sent again. */
const retryEvery = 2000;

/**
 * What one server takes from the mailbox and hands over. A receipt that does not get through is sent again until it does, and
 * its message is not shown a second time by this server, as a session's hooks do it.
 */
export class Taking {
	readonly #desk: Desk;
	/** Ids whose text the client has, but whose receipt did not get through. */
	readonly #unsaid = new Set<number>();
	#retry: NodeJS.Timeout | null = null;

	constructor(desk: Desk) {
		this.#desk = desk;
	}

	/** Takes what there is, at most `limit`. */
	async take(mailbox: Mailbox, limit: number): Promise<Taken> {
		const id = randomUUID();
		const taken = await mailbox.take({limit, route, takeId: id}).catch((error: unknown) => {
			// Where the answer alone was lost, somebody else may have them at once.
			mailbox.release(id).catch(() => undefined);
			throw error;
		});
		const more = mayBeMore(taken, limit);
		const messages = taken.filter(message => !this.#unsaid.has(message.id));
		if (this.#unsaid.size > 0) await this.#say(mailbox).catch(() => undefined);
		return {id, messages, more, again: await this.#handedOver(mailbox, messages)};
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
