import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import type {Task} from '../mailbox/task.ts';
import {findTask, noSuchTask, standing} from './task-standing.ts';

interface Claim {
	readonly token: number;
	/** Seconds. */
	readonly lease: number;
}

/** Seconds that a claim holds unless the agent says otherwise: an agent is slower to report than a program. */
export const defaultLease = 900;

/** What was claimed through this server, so that the agent need not carry its tokens about. */
export class Claims {
	readonly #me: Tag;
	readonly #held = new Map<number, Claim>();

	constructor(me: Tag) {
		this.#me = me;
	}

	keep({id, lease_token}: Task, lease: number): void {
		this.#held.set(id, {token: lease_token, lease});
	}

	/**
	 * Runs `work` with the claim on a task: the one that the agent names, that it made here, or, when this server was started
	 * since, that its tag holds now. When it is lost, rejects with what became of the task.
	 */
	async using<T>(
		mailbox: Mailbox,
		id: number,
		named: number | undefined,
		work: (claim: Claim) => Promise<T>,
	): Promise<T> {
		const held = this.#held.get(id);
		const token = named ?? held?.token ?? (await this.#tokenNow(mailbox, id));
		try {
			return await work({token, lease: held?.lease ?? defaultLease});
		} catch (error) {
			if (!(error instanceof MailboxError) || !['conflict', 'not_found'].includes(error.code)) throw error;
			if (held?.token === token) this.drop(id);
			throw await this.#lost(mailbox, id);
		}
	}

	drop(id: number): void {
		this.#held.delete(id);
	}

	async #tokenNow(mailbox: Mailbox, id: number): Promise<number> {
		const task = await findTask(mailbox, id);
		if (task !== null && this.#owns(task)) return task.lease_token;
		throw task === null ? noSuchTask(id) : this.#refusal(task, 'You have not claimed it.');
	}

	async #lost(mailbox: Mailbox, id: number): Promise<MailboxError> {
		const task = await findTask(mailbox, id);
		if (task === null) return noSuchTask(id);
		return this.#refusal(task, 'The claim that this is about has ended, and nothing was recorded.');
	}

	#refusal(task: Task, why: string): MailboxError {
		const otherwise = 'Stop working on it; claim_task without an id takes the next one.';
		const queued = `claim_task with id ${task.id} takes it (again).`;
		const own = 'Its claim now has another token: leave lease_token out if that is yours too.';
		const remedy = task.status === 'queued' ? queued : this.#owns(task) ? own : otherwise;
		return new MailboxError('conflict', `${standing(task)} ${why}`, remedy);
	}

	#owns({status, lease_owner}: Task): boolean {
		return status === 'running' && lease_owner !== null && sameTag(lease_owner, this.#me);
	}
}
