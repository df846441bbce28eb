import type {Agent, Presence, Wake} from '../mailbox/agent.ts';
import type {MailboxEvent, Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {addresses, type Message} from '../mailbox/message.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {wakeText} from './hook/mail-text.ts';

/** One way to wake an idle client. That `ring` resolves proves nothing; only taken mail shows that it worked. */
export interface Way {
	readonly name: Wake;
	ring(text: string): Promise<void>;
}

interface WakerOptions {
	readonly mailbox: Mailbox;
	/** The agent: the identity of the mailbox. */
	readonly tag: Tag;
	/** At least one, the best first. */
	readonly ways: readonly Way[];
	/** Called when the way in which the client can be woken changes. */
	readonly onChange: (wake: Wake | 'none') => void;
	/** Called when the history was replaced by one that may not know the agent. */
	readonly onReplaced?: () => void;
	/** Called with the agent's row whenever it changes. */
	readonly onAgent?: (agent: Agent) => void;
	/** Milliseconds after a ring in which the mail must be taken; otherwise the way does not work. */
	readonly timeout?: number;
	/** Milliseconds that mail may wait while the agent works, because the end of an interrupted turn is not reported. */
	readonly grace?: number;
	/** Milliseconds between regular checks, for mail whose lease ran out. */
	readonly every?: number;
}

/** Messages per check. */
const batch = 20;

/**
 * Wakes the agent's client whenever it is idle and has mail: by the first way, and by the next if nobody takes the mail. If no way
 * works, it reports that, and tries again with the next message. Returns a function that stops it.
 */
export function startWaker(options: WakerOptions): Unsubscribe {
	const waker = new Waker(options);
	const unsubscribe = options.mailbox.subscribe(event => waker.onEvent(event));
	return () => {
		unsubscribe();
		waker.end();
	};
}

class Waker {
	readonly #options: Required<WakerOptions>;
	/** The way to use next: the last one that worked. */
	#way = 0;
	/** The last reported presence; null if not known yet. */
	#presence: Presence | null = null;
	/** The mail for which an idle client was rung last, and the time by which it should be taken. */
	#rung: {readonly ids: ReadonlySet<number>; readonly deadline: number} | null = null;
	/** Whether no way worked; reported once. */
	#gaveUp = false;
	/** Since when mail has been waiting while the agent works, and whether it was rung for that. */
	#waitsSince: {readonly at: number; readonly rung: boolean} | null = null;
	#ended = false;
	#checking = false;
	#checkAgain = false;
	#timer: NodeJS.Timeout | null = null;
	readonly #clock: NodeJS.Timeout;

	constructor(options: WakerOptions) {
		this.#options = {
			onAgent: () => undefined,
			onReplaced: () => undefined,
			timeout: 10_000,
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
				if (agent.presence === this.#presence) return;
				this.#presence = agent.presence;
				this.#check();
				return;
			}
			case 'connection':
				if (event.connection.phase === 'live') this.#check();
				return;
			case 'replaced':
				this.#options.onReplaced();
				this.#check();
				return;
			case 'cursor':
			case 'tasks':
			case 'receipts':
			case 'redacted':
		}
	}

	end(): void {
		this.#ended = true;
		clearInterval(this.#clock);
		if (this.#timer !== null) clearTimeout(this.#timer);
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

	#checkIn(milliseconds: number): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#check(), milliseconds);
	}

	async #checkOnce(): Promise<void> {
		const waiting = await this.#waiting();
		if (this.#ended) return;
		if (waiting.length === 0) this.#taken();
		else if (this.#presence === 'idle') await this.#whenIdle(waiting);
		else if (this.#presence === 'working') await this.#whenWorking(waiting);
		// A client that waits for permission, or is gone, cannot be woken.
	}

	#taken(): void {
		if (this.#rung !== null && this.#gaveUp) this.#options.onChange(this.#current.name);
		this.#rung = null;
		this.#gaveUp = false;
		this.#waitsSince = null;
	}

	async #whenIdle(waiting: readonly Message[]): Promise<void> {
		this.#waitsSince = null;
		if (waiting.some(({id}) => this.#rung?.ids.has(id))) {
			if (this.#gaveUp || performance.now() < (this.#rung?.deadline ?? 0)) return;
			if (!this.#nextWay()) return;
		}
		const {timeout, tag} = this.#options;
		const rang = await this.#current.ring(wakeText(tag, waiting)).then(
			() => true,
			() => false,
		);
		this.#rung = {ids: new Set(waiting.map(({id}) => id)), deadline: performance.now() + (rang ? timeout : 0)};
		this.#checkIn(rang ? timeout : 0);
	}

	/** Rings once if mail has been waiting for long: the turn was interrupted, or a tool is slow. */
	async #whenWorking(waiting: readonly Message[]): Promise<void> {
		const {grace, tag} = this.#options;
		this.#waitsSince ??= {at: performance.now(), rung: false};
		const left = this.#waitsSince.at + grace - performance.now();
		if (left > 0) {
			this.#checkIn(left);
			return;
		}
		if (this.#waitsSince.rung) return;
		this.#waitsSince = {...this.#waitsSince, rung: true};
		await this.#current.ring(wakeText(tag, waiting));
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

	/** The mail that is worth a turn: mail that was never handed over, and mail naming the agent that it left open too long. */
	async #waiting(): Promise<Message[]> {
		const {mailbox, tag} = this.#options;
		const free = await mailbox.inbox(tag, {limit: batch, free: true});
		const others = free.filter(({mentions}) => !mentions.some(mention => sameTag(mention, tag))).map(({id}) => id);
		if (others.length === 0) return free;
		const had = (await mailbox.receipts(others)).filter(
			({reader, delivered_at}) => sameTag(reader, tag) && delivered_at !== null,
		);
		return free.filter(({id}) => !had.some(({message_id}) => message_id === id));
	}
}
