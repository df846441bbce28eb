import type {Agent, Presence, Wake} from '../mailbox/agent.ts';
import type {MailboxEvent} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {addresses, type Message} from '../mailbox/message.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {Rounds} from './rounds.ts';

/** One way to wake an idle client. */
export interface Way {
	readonly name: Wake;
	/**
	 * Resolves with false if the client is not to be woken now. That it resolves with true proves nothing; only taken mail shows that
	 * it worked.
	 */
	ring(): Promise<boolean>;
}

interface WakerOptions {
	readonly mailbox: Mailbox;
	/** The agent: the identity of the mailbox. */
	readonly tag: Tag;
	/** The best first. With none, it only reports what waits. */
	readonly ways: readonly Way[];
	/** Called when the way in which the client can be woken changes. */
	readonly onChange: (wake: Wake | 'none') => void;
	/** Called with the number of messages that wait for the next turn or are about to be handed over, after each check. */
	readonly onWaiting?: (count: number) => void;
	/** Called when mail has been waiting for long while the agent works: the turn may have been interrupted, or a tool is slow. */
	readonly onStalled?: () => void;
	/** Called when the mailbox may not know the client any more: it was away, or its history was replaced. */
	readonly onReturn?: () => void;
	/** Called with the agent's own row whenever it changes. */
	readonly onAgent?: (agent: Agent) => void;
	/** Milliseconds that mail may wait while the agent works, because the end of an interrupted turn may not be reported. */
	readonly grace?: number;
	/** Milliseconds between regular checks, for mail whose lease ran out. */
	readonly every?: number;
}

export interface Waker {
	/** Checks once the time has passed (milliseconds), because something may have changed by then. */
	look(after?: number): void;
	end(): void;
}

/** Messages per check; at that number there may be more. */
export const maxWaiting = 20;
/** Milliseconds. Mail that was given back is free after at most five minutes; a longer lease is not waited for. */
const longestPause = 310_000;

/**
 * Wakes the agent's client whenever it is idle and has mail: by the first way, again and again, and by the next if nobody takes the
 * mail. If no way works, it reports that, and tries again less and less often.
 */
export function startWaker(options: WakerOptions): Waker {
	const waker = new MailWaker(options);
	const unsubscribe = options.mailbox.subscribe(event => waker.onEvent(event), null, {agent: options.tag});
	return {
		look: after => waker.look(after),
		end() {
			unsubscribe();
			waker.end();
		},
	};
}

class MailWaker {
	readonly #options: Required<WakerOptions>;
	/** The way to use next: the last one that worked. */
	#way = 0;
	/** The last reported presence; null if not known yet. */
	#presence: Presence | null = null;
	#isPaused = false;
	/** The mail for which an idle client is being rung, and how often it was. */
	#rung: {readonly ids: ReadonlySet<number>; readonly rounds: Rounds} | null = null;
	/** Whether no way worked; reported once. */
	#gaveUp = false;
	/** Since when mail has been waiting while the agent works, and whether that was reported. */
	#waitsSince: {readonly at: number; readonly told: boolean} | null = null;
	/** The connection was lost, or never came about, since the client signed in: the agent may have left and joined again meanwhile. */
	#mayBeForgotten = false;
	#ended = false;
	#checking = false;
	#checkAgain = false;
	#timer: {readonly timeout: NodeJS.Timeout; readonly at: number} | null = null;
	readonly #clock: NodeJS.Timeout;

	constructor(options: WakerOptions) {
		const ignore = (): void => undefined;
		this.#options = {
			onWaiting: ignore,
			onStalled: ignore,
			onAgent: ignore,
			onReturn: ignore,
			grace: 30_000,
			every: 60_000,
			...options,
		};
		this.#clock = setInterval(() => this.#check(), this.#options.every);
	}

	onEvent(event: MailboxEvent): void {
		const {tag} = this.#options;
		switch (event.type) {
			case 'messages':
				if (event.messages.some(message => addresses(message, tag))) this.#check();
				return;
			case 'agents': {
				const agent = event.agents.find(each => sameTag(each.tag, tag));
				if (agent === undefined) return;
				this.#options.onAgent(agent);
				const isPaused = agent.paused !== null;
				if (agent.presence === this.#presence && isPaused === this.#isPaused) return;
				// What waited meanwhile was not rung for.
				if (isPaused !== this.#isPaused) this.#rung = null;
				this.#presence = agent.presence;
				this.#isPaused = isPaused;
				this.#check();
				return;
			}
			case 'connection':
				if (event.connection.phase === 'offline') this.#mayBeForgotten = true;
				if (event.connection.phase !== 'live') return;
				if (this.#mayBeForgotten) this.#options.onReturn();
				this.#mayBeForgotten = true;
				this.#check();
				return;
			case 'replaced':
				this.#options.onReturn();
				this.#check();
				return;
			case 'receipts':
				this.#onReceipts(event.receipts.filter(({reader}) => sameTag(reader, tag)));
				return;
			case 'cursor':
			case 'tasks':
			case 'redacted':
			case 'removed':
		}
	}

	look(after = 0): void {
		if (after > 0) this.#checkIn(after);
		else this.#check();
	}

	end(): void {
		this.#ended = true;
		clearInterval(this.#clock);
		if (this.#timer !== null) clearTimeout(this.#timer.timeout);
	}

	/** Mail that was given back is free again after a pause; mail that was taken need not be rung for. */
	#onReceipts(own: readonly Receipt[]): void {
		const pauses = own.map(({lease_until}) => (lease_until === null ? Infinity : Date.parse(lease_until) - Date.now()));
		const pause = Math.min(...pauses.filter(each => each > -1000));
		if (pause < longestPause) this.#checkIn(Math.max(0, pause) + 100);
		else if (own.length > 0 && this.#rung !== null) this.#check();
	}

	/** Runs one check at a time; an event during a check causes another. A failed check is made up for by the next. */
	#check(): void {
		if (this.#ended) return;
		this.#checkAgain = this.#checking;
		if (this.#checking) return;
		this.#checking = true;
		this.#checkOnce()
			.catch(() => undefined)
			.finally(() => {
				this.#checking = false;
				if (this.#checkAgain) this.#check();
			});
	}

	/** Does not put off a check that is due earlier. */
	#checkIn(milliseconds: number): void {
		const at = performance.now() + milliseconds;
		if (this.#ended || (this.#timer !== null && this.#timer.at <= at)) return;
		if (this.#timer !== null) clearTimeout(this.#timer.timeout);
		const timeout = setTimeout(() => {
			this.#timer = null;
			this.#check();
		}, milliseconds);
		this.#timer = {timeout, at};
	}

	async #checkOnce(): Promise<void> {
		const waiting = await this.#waiting();
		if (this.#ended) return;
		// What waits for an agent that is paused is not handed over, so its hooks need not ask for it.
		this.#options.onWaiting(this.#isPaused ? 0 : waiting.length);
		if (this.#isPaused) return;
		if (waiting.length === 0) this.#taken();
		else if (this.#presence === 'idle') await this.#whenIdle(waiting);
		else if (this.#presence === 'working') this.#whenWorking();
		// A client that waits for permission, or is gone, cannot be woken.
	}

	#taken(): void {
		if (this.#gaveUp) this.#recover();
		this.#rung = null;
		this.#waitsSince = null;
	}

	async #whenIdle(waiting: readonly Message[]): Promise<void> {
		this.#waitsSince = null;
		const [way] = this.#options.ways;
		if (way === undefined) return;
		const ids = new Set(waiting.map(({id}) => id));
		const known = this.#rung === null ? [] : waiting.filter(({id}) => this.#rung?.ids.has(id));
		const isNew = known.length === 0 || (known.length < waiting.length && this.#rung?.rounds.isOver === true);
		const rounds = isNew || this.#rung === null ? new Rounds(performance.now()) : this.#rung.rounds;
		this.#rung = {ids, rounds};
		const step = rounds.next(performance.now());
		if (step === 'begin' && this.#gaveUp) this.#recover();
		if (step !== null) await this.#ring(step === 'other', rounds);
		if (!this.#ended) this.#checkIn(rounds.left(performance.now()));
	}

	/** By the next way, if this one has had its time. One that fails leads to the next immediately. */
	async #ring(byOther: boolean, rounds: Rounds): Promise<void> {
		if (byOther && !this.#nextWay()) return rounds.over(performance.now());
		for (;;) {
			const rang = await this.#current.ring().catch(() => null);
			if (rang === true || (rang === false && !byOther)) return;
			if (rang === false) {
				// The client is not to be woken now, so that nobody took the mail says nothing about the former way.
				this.#way = 0;
				this.#options.onChange(this.#current.name);
				return rounds.over(performance.now());
			}
			if (!this.#nextWay()) return rounds.over(performance.now());
		}
	}

	/** Reports mail that has been waiting for long. */
	#whenWorking(): void {
		const {grace, onStalled} = this.#options;
		this.#waitsSince ??= {at: performance.now(), told: false};
		const left = this.#waitsSince.at + grace - performance.now();
		if (left > 0) this.#checkIn(left);
		else if (!this.#waitsSince.told) {
			this.#waitsSince = {...this.#waitsSince, told: true};
			onStalled();
		}
	}

	get #current(): Way {
		const way = this.#options.ways[this.#way];
		if (way === undefined) throw new RangeError('A waker needs a way.');
		return way;
	}

	/** Switches to the next way. False if there is none, so that the agent reads at its next turn. */
	#nextWay(): boolean {
		const {ways, onChange} = this.#options;
		this.#gaveUp = this.#way + 1 >= ways.length;
		this.#way = this.#gaveUp ? 0 : this.#way + 1;
		onChange(this.#gaveUp ? 'none' : this.#current.name);
		return !this.#gaveUp;
	}

	#recover(): void {
		this.#gaveUp = false;
		this.#options.onChange(this.#current.name);
	}

	/**
	 * The mail that is worth a turn: mail that was never handed over, or was given back, and mail naming the agent that it left open too
	 * long.
	 */
	async #waiting(): Promise<Message[]> {
		const {mailbox, tag} = this.#options;
		const free = await mailbox.inbox(tag, {limit: maxWaiting, free: true});
		const others = free.filter(({mentions}) => !mentions.some(mention => sameTag(mention, tag))).map(({id}) => id);
		if (others.length === 0) return free;
		const had = (await mailbox.receipts(others)).filter(
			({reader, delivered_at, returned}) => sameTag(reader, tag) && delivered_at !== null && returned === 0,
		);
		return free.filter(({id}) => !had.some(({message_id}) => message_id === id));
	}
}
