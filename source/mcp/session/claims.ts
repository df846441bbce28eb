import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {standingSentence} from '../../mailbox/tasks/task-standing.ts';
import {findTask, noSuchTask} from '../answers/task-standing.ts';

interface Claim {
	readonly token: number;
	/** Seconds. */
	readonly lease: number;
	/** Its task was finished with it: it is not renewed, and told again only when the agent finishes again. */
	readonly finished: boolean;
}

/** Seconds that a claim holds unless the agent says otherwise: an agent is slower to report than a program. */
export const defaultLease = 900;
/** At most this many seconds between two renewals. Without a hub, the database notices naps and clock steps by them alone. */
const maxPause = 60;
/** Claims of finished tasks that are remembered. */
const maxFinished = 100;

/** What was claimed through this server: its agent need not carry tokens about, and while it lives no lease runs out. */
export class Claims {
	readonly #me: Tag;
	readonly #open: () => Promise<Mailbox>;
	readonly #held = new Map<number, Claim>();
	#timer: NodeJS.Timeout | null = null;

	constructor(me: Tag, open: () => Promise<Mailbox>) {
		this.#me = me;
		this.#open = open;
	}

	keep({id, lease_token}: Task, lease: number): void {
		this.#held.set(id, {token: lease_token, lease, finished: false});
		this.#schedule();
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
			return await work({token, lease: held?.lease ?? defaultLease, finished: held?.finished ?? false});
		} catch (error) {
			if (!(error instanceof MailboxError) || !['conflict', 'not_found'].includes(error.code)) throw error;
			// The database says more than that it is too late.
			if (error.code === 'conflict' && error.remedy !== '') throw error;
			if (held?.token === token) this.#held.delete(id);
			throw await this.#lost(mailbox, id);
		}
	}

	/** The task was finished with its claim, which is remembered: the agent may not have got the answer. */
	finish({id, lease_token}: Task): void {
		this.#held.delete(id);
		this.#held.set(id, {token: lease_token, lease: defaultLease, finished: true});
		const finished = [...this.#held].filter(([, claim]) => claim.finished);
		for (const [oldest] of finished.slice(0, -maxFinished)) this.#held.delete(oldest);
		this.#schedule();
	}

	/** Renews nothing any more. */
	close(): void {
		this.#held.clear();
		this.#schedule();
	}

	/** Renews thrice within the shortest lease. */
	#schedule(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		const leases = [...this.#held.values()].filter(({finished}) => !finished).map(({lease}) => lease);
		const pause = Math.min(maxPause, ...leases.map(lease => lease / 3));
		this.#timer = leases.length === 0 ? null : setTimeout(() => void this.#renew(), pause * 1000).unref();
	}

	async #renew(): Promise<void> {
		for (const [id, {token, lease, finished}] of this.#held) {
			if (finished) continue;
			try {
				const mailbox = await this.#open();
				await mailbox.tasks.heartbeat(id, token, lease);
			} catch (error) {
				// Only what was said about the claim itself ends it: a hub that is away is waited for.
				const isOver = error instanceof MailboxError && ['conflict', 'not_found'].includes(error.code);
				const now = this.#held.get(id);
				if (isOver && now?.token === token && !now.finished) this.#held.delete(id);
			}
		}
		this.#schedule();
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
		return new MailboxError('conflict', `${standingSentence(task)} ${why}`, remedy);
	}

	#owns({status, lease_owner}: Task): boolean {
		return status === 'running' && lease_owner !== null && sameTag(lease_owner, this.#me);
	}
}
