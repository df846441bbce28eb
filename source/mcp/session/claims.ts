import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {sameTag} from '../../mailbox/tag.ts';
import type {ClaimRenewal, Task} from '../../mailbox/task.ts';
import {standingSentence} from '../../mailbox/tasks/task-standing.ts';
import {findTask, noSuchTask} from '../answers/task-standing.ts';
import type {Session} from './session.ts';

interface Claim {
	readonly token: number;
	/** Seconds. */
	readonly lease: number;
	/** Whether the task was finished with it. Then it is not renewed, and is used only if the agent calls finish again. */
	readonly finished: boolean;
}

/** Seconds. Long, because an agent reports less often than a program. */
export const defaultLease = 900;
/**
 * Maximum seconds between two renewals: a little more than a minute, because a server looks after its claims each minute anyway. Without
 * a hub, the database detects sleep and clock changes only by them.
 */
const maxPause = 65;
/** The number of claims of finished tasks to remember. */
const maxFinished = 100;

/**
 * The claims made through this server. They save the agent from handling tokens, and are renewed while its client is at work; but not
 * for more than six hours after it reported any progress, which the database sees to.
 */
export class Claims {
	readonly #session: Session;
	readonly #claims = new Map<number, Claim>();
	#timer: NodeJS.Timeout | null = null;

	constructor(session: Session) {
		this.#session = session;
	}

	keep({id, lease_token}: Task, lease: number): void {
		this.#claims.set(id, {token: lease_token, lease, finished: false});
		this.#schedule();
	}

	/**
	 * Runs `work` with the claim on a task: the one that the agent names, the one made here, or, if this server was restarted since,
	 * the one that its tag has now. If the claim is lost, rejects with the state of the task.
	 */
	async using<T>(
		mailbox: Mailbox,
		id: number,
		named: number | undefined,
		work: (claim: Claim) => Promise<T>,
	): Promise<T> {
		const known = this.#claims.get(id);
		const token = named ?? known?.token ?? (await this.#tokenNow(mailbox, id));
		try {
			return await work({token, lease: known?.lease ?? defaultLease, finished: known?.finished ?? false});
		} catch (error) {
			if (!(error instanceof MailboxError) || !['conflict', 'not_found'].includes(error.code)) throw error;
			// The database's own remedy is more specific.
			if (error.code === 'conflict' && error.remedy !== '') throw error;
			if (known?.token === token) this.#claims.delete(id);
			throw await this.#lost(mailbox, id);
		}
	}

	/** Remembers the claim of a finished task, because the agent may not have got the answer and call finish again. */
	finish({id, lease_token}: Task): void {
		this.#claims.delete(id);
		this.#claims.set(id, {token: lease_token, lease: defaultLease, finished: true});
		const finished = [...this.#claims].filter(([, claim]) => claim.finished);
		for (const [oldest] of finished.slice(0, -maxFinished)) this.#claims.delete(oldest);
		this.#schedule();
	}

	/** Stops renewing. */
	close(): void {
		this.#claims.clear();
		this.#schedule();
	}

	/**
	 * Looks after the tasks, as `Mailbox.tasks.tend`. While the client is at work, the same request renews its claims: also those that it
	 * made by other means, or before its server was restarted, unless another client uses the tag, whose they might be.
	 */
	async tend(): Promise<void> {
		const mailbox = await this.#session.mailbox();
		await (this.#session.isAtWork() ? this.#renew(mailbox, true) : mailbox.tasks.tend());
	}

	/** Schedules the next renewal: three per shortest lease. */
	#schedule(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		const leases = this.#held().map(({lease}) => lease);
		const pause = Math.min(maxPause, ...leases.map(lease => lease / 3));
		this.#timer = leases.length === 0 ? null : setTimeout(() => void this.#onTime(), pause * 1000).unref();
	}

	async #onTime(): Promise<void> {
		try {
			if (this.#session.isAtWork()) await this.#renew(await this.#session.mailbox(), false);
		} catch {
			// If the hub is away, keep trying.
		}
		this.#schedule();
	}

	/** Renews what was claimed here in one request, and forgets what is not valid any more. `all`: and what its tag has otherwise. */
	async #renew(mailbox: Mailbox, all: boolean): Promise<void> {
		const held = this.#held();
		const valid = new Set(await mailbox.tasks.renew(held, all && !this.#session.isShared() ? defaultLease : undefined));
		for (const {id, token} of held) {
			const now = this.#claims.get(id);
			if (!valid.has(id) && now?.token === token && !now.finished) this.#claims.delete(id);
		}
		this.#schedule();
	}

	/** What was claimed here and not finished. */
	#held(): ClaimRenewal[] {
		return [...this.#claims].filter(([, {finished}]) => !finished).map(([id, {token, lease}]) => ({id, token, lease}));
	}

	async #tokenNow(mailbox: Mailbox, id: number): Promise<number> {
		const task = await findTask(mailbox, id);
		if (task !== null && this.#owns(task)) return task.lease_token;
		throw task === null ? noSuchTask(id) : this.#refusal(task, 'You have not claimed it.');
	}

	async #lost(mailbox: Mailbox, id: number): Promise<MailboxError> {
		const task = await findTask(mailbox, id);
		if (task === null) return noSuchTask(id);
		return this.#refusal(task, 'Your claim has ended, and nothing was recorded.');
	}

	#refusal(task: Task, why: string): MailboxError {
		const otherwise = 'Stop working on it; use claim_task without an id to claim the next one.';
		const queued = `Use claim_task with id ${task.id} to claim it (again).`;
		const own = 'Its claim now has another token; omit token if that claim is yours, too.';
		const remedy = task.status === 'queued' ? queued : this.#owns(task) ? own : otherwise;
		return new MailboxError('conflict', `${standingSentence(task)} ${why}`, remedy);
	}

	#owns({status, lease_owner}: Task): boolean {
		return status === 'running' && lease_owner !== null && sameTag(lease_owner, this.#session.tag);
	}
}
