import {randomUUID} from 'node:crypto';
import type {Pause} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {handOverNumber} from '../../quotation/message-head.ts';
import {margin} from '../answers/room.ts';
import type {RequestId} from './after-answer.ts';
import type {Session} from './session.ts';

/** The `route` in receipts. */
export const route = 'mcp';

/** Messages that a request has leased, to hand over or give back. */
export interface Taken {
	/** The id for `Mailbox.release`. */
	readonly id: string;
	/** Oldest first. */
	readonly messages: readonly Message[];
	/** For those that the reader may already have: which hand-over this is, by id. */
	readonly again: ReadonlyMap<number, number>;
	/** The ids of others that wait, oldest first; null if that is not known. */
	readonly waiting: readonly number[] | null;
	/** If there are none: the ids of open ones that the reader already has, if they were asked for. */
	readonly open: readonly number[];
	/** Why nothing is handed over; null if the reader is not paused. */
	readonly paused: Pause | null;
	/** Whether the lease may have ended by now. */
	readonly isLate: () => boolean;
}

interface TakeRequest {
	readonly limit: number;
	/** Bytes that the answer may have. */
	readonly room: number;
	readonly open?: boolean;
}

/** How many waiting messages are named at most. */
export const maxNamed = 10;

/** Milliseconds in which an answer must be written. The lease lasts 30 s, part of which may have passed before we knew of it. */
const handOverWithin = 25_000;
/** Milliseconds until a failed receipt is sent again. */
const retryEvery = 2000;
/** Bytes of an answer for one message at least, and those of them for what stands around its text. */
const leastSize = 900;
const frameSize = 190;

/**
 * Takes messages and hands them over for one server. A failed receipt is sent again until it succeeds, and meanwhile this server
 * does not show its message again. A session's hooks do the same.
 */
export class Taking {
	readonly #session: Session;
	/** By id, the times of messages that the client has, but whose receipt could not be sent. */
	readonly #unconfirmed = new Map<number, Message['created_at']>();
	#retry: NodeJS.Timeout | null = null;

	constructor(session: Session) {
		this.#session = session;
	}

	/**
	 * Takes up to `limit` messages, and no more than fit into an answer of `room` bytes; of the first, as much as fits is shown. `open`:
	 * whether to look for open ones that the reader already has.
	 */
	async take(mailbox: Mailbox, {limit, room, open = false}: TakeRequest): Promise<Taken> {
		const id = randomUUID();
		const {client} = this.#session;
		const isLate = lateAfter(handOverWithin);
		const most = Math.max(1, Math.min(limit, Math.floor(room / leastSize)));
		const bytes = Math.max(1, room - margin - most * frameSize);
		const own = client === undefined ? {} : {session: client};
		const options = {limit: most, bytes, route, takeId: id, named: maxNamed + 1, open, ...own};
		const taken = await mailbox.check(options).catch((error: unknown) => {
			// If only the answer was lost, release them for others.
			mailbox.release(id).catch(() => undefined);
			throw error;
		});
		const messages = taken.messages.filter(message => !this.#isAnswered(message));
		if (this.#unconfirmed.size > 0) await this.#confirmRest(mailbox).catch(() => undefined);
		// This take is counted already.
		const again = new Map(
			taken.receipts.map(({message_id, attempts, takes}) => [message_id, handOverNumber({attempts, takes: takes - 1})]),
		);
		return {id, messages, again, waiting: taken.waiting, open: taken.open, paused: taken.paused, isLate};
	}

	/** `taken` unchanged, unless its lease may have ended: then the messages are given back, and the result is empty. */
	stillHeld(mailbox: Mailbox, taken: Taken): Taken {
		if (taken.messages.length === 0 || !taken.isLate()) return taken;
		mailbox.release(taken.id).catch(() => undefined);
		return {...taken, messages: []};
	}

	/** Marks messages as delivered, or gives them back, as soon as it is known whether the answer was written. */
	answered(mailbox: Mailbox, {id, messages}: Taken, request: RequestId, signal: AbortSignal): void {
		const written = async (): Promise<void> => {
			for (const {id: given, created_at} of messages) this.#unconfirmed.set(given, created_at);
			await this.#confirm(
				mailbox,
				messages.map(({id: given}) => given),
			);
		};
		this.#session.afterAnswer(request, {written, lost: () => mailbox.release(id)}, signal);
	}

	/** Whether it was handed over already. After a restore, another message may have its id. */
	#isAnswered({id, created_at}: Message): boolean {
		if (this.#unconfirmed.get(id) === created_at) return true;
		this.#unconfirmed.delete(id);
		return false;
	}

	/**
	 * Sends the receipts that could not be sent. Only where the database says that the message was taken: after a restore, the id may be
	 * that of a message that nobody has seen.
	 */
	async #confirmRest(mailbox: Mailbox): Promise<void> {
		const ids = [...this.#unconfirmed.keys()];
		const receipts = await mailbox.receipts(ids).catch((error: unknown) => {
			this.#retryLater(mailbox);
			throw error;
		});
		const own = receipts.filter(({reader}) => sameTag(reader, this.#session.tag));
		const known = new Set(own.map(({message_id}) => message_id));
		for (const id of ids) if (!known.has(id)) this.#unconfirmed.delete(id);
		if (known.size > 0) await this.#confirm(mailbox, [...known]);
	}

	/** Sends receipts. If that fails, rejects and schedules a retry. */
	async #confirm(mailbox: Mailbox, ids: readonly number[]): Promise<void> {
		try {
			await mailbox.deliver(ids, route, this.#session.client);
			for (const id of ids) this.#unconfirmed.delete(id);
		} catch (error) {
			this.#retryLater(mailbox);
			throw error;
		}
	}

	/** unref: it must not keep the process alive when the client has gone. */
	#retryLater(mailbox: Mailbox): void {
		if (this.#retry === null) this.#retry = setTimeout(() => void this.#confirmAgain(mailbox), retryEvery).unref();
	}

	async #confirmAgain(mailbox: Mailbox): Promise<void> {
		this.#retry = null;
		// Another attempt may have succeeded in the meantime.
		if (this.#unconfirmed.size > 0) await this.#confirmRest(mailbox).catch(() => undefined);
	}
}

/** Returns a function that tells whether the time has passed, even if the machine slept or its clock was set back. */
function lateAfter(milliseconds: number): () => boolean {
	const [wall, steady] = [Date.now(), performance.now()];
	return () => Math.max(Date.now() - wall, performance.now() - steady) > milliseconds;
}
