import type {StoreApi} from 'zustand/vanilla';
import {presenceOf} from '../mailbox/agent.ts';
import type {Approval, Decision} from '../mailbox/approval.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Intake} from './intake.ts';
import type {State} from './state/state.ts';

/** Milliseconds between two looks: while requests wait or an agent has just become blocked, and later. */
const soon = 1500;
const later = 10_000;
/** Milliseconds after which a blocked agent counts as one that asks at its terminal alone. */
const newlyBlocked = 60_000;

interface ApprovalWatchOptions {
	readonly opening: Promise<Mailbox>;
	readonly apply: Intake['apply'];
	readonly state: Pick<StoreApi<State>, 'getState' | 'subscribe'>;
}

/**
 * Keeps the requests for permission in the state. Requests have no subscription of their own: an agent that asks becomes `blocked`,
 * which every screen hears of, and while any agent is, the mailbox is asked for what waits. That also tells the mailbox that a human
 * looks. For humans alone.
 */
export class ApprovalWatch {
	readonly #options: ApprovalWatchOptions;
	#agents: State['agents'] | null = null;
	/** When an agent last became blocked, or asked again. Milliseconds, as of performance.now(). */
	#blockedAt = -Infinity;
	#timer: NodeJS.Timeout | undefined;
	#isAsking = false;
	#closed = false;

	constructor(options: ApprovalWatchOptions) {
		this.#options = options;
		options.state.subscribe(state => this.#look(state));
	}

	#look({agents, identity}: State): void {
		if (agents === this.#agents || identity?.kind === 'agent' || identity === null) return;
		const known = this.#agents;
		this.#agents = agents;
		let isNew = false;
		for (const [tag, agent] of agents) isNew ||= agent.presence === 'blocked' && known?.get(tag) !== agent;
		if (!isNew) return;
		this.#blockedAt = performance.now();
		this.#plan(0);
	}

	/** Answers a request as it was shown. Resolves with the row; rejects with MailboxError. */
	readonly decide = async (shown: Approval, decision: Decision): Promise<Approval> => {
		try {
			return await (await this.#options.opening).approvals.decide(shown, decision);
		} finally {
			this.#plan(0);
		}
	};

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
	}

	#plan(pause: number): void {
		clearTimeout(this.#timer);
		if (this.#closed) return;
		this.#timer = setTimeout(() => void this.#ask(), pause);
		this.#timer.unref();
	}

	async #ask(): Promise<void> {
		// What comes meanwhile is in the answer after the next.
		if (this.#isAsking) return this.#plan(soon);
		this.#isAsking = true;
		const {opening, apply, state} = this.#options;
		try {
			const waiting = await (await opening).approvals.waiting();
			if (!isSame(state.getState().approvals, waiting)) apply({type: 'approvals', approvals: waiting});
		} catch {
			// The connection says what is wrong with the mailbox.
		}
		this.#isAsking = false;
		const {agents, approvals} = state.getState();
		const isBlocked = [...agents.values()].some(agent => presenceOf(agent, Date.now()) === 'blocked');
		if (approvals.length > 0 || (isBlocked && performance.now() - this.#blockedAt < newlyBlocked)) this.#plan(soon);
		else if (isBlocked) this.#plan(later);
	}
}

function isSame(known: readonly Approval[], waiting: readonly Approval[]): boolean {
	return known.length === waiting.length && waiting.every(({id}, at) => known[at]?.id === id);
}
