import type {Agent, Presence, Wake} from '../mailbox/agent.ts';
import type {MailboxEvent, Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {addresses, type Message} from '../mailbox/message.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {wakeText} from './hook/mail-text.ts';

/** One way to an idle client. That `ring` resolves says nothing: only mail that was taken shows that it was heard. */
export interface Way {
	readonly name: Wake;
	ring(text: string): Promise<void>;
}

interface Waking {
	readonly mailbox: Mailbox;
	/** Whose client; the identity of the mailbox. */
	readonly tag: Tag;
	/** The best first; at least one. */
	readonly ways: readonly Way[];
	/** Hears how the client can be woken from now on, when that changes. */
	readonly onChange: (wake: Wake | 'none') => void;
	/** Hears that another history came, which may not know the agent. */
	readonly onReplaced?: () => void;
	/** Hears what is known of the agent, whenever that changes. */
	readonly onAgent?: (agent: Agent) => void;
	/** Milliseconds until a ring that nobody followed counts as not heard. */
	readonly patience?: number;
	/** Milliseconds that mail may wait while the agent works: a turn that the user interrupted ends without a word. */
	readonly grace?: number;
	/** Milliseconds after which it looks anyway, for mail whose lease ran out. */
	readonly every?: number;
}

/** Messages looked at at once. */
const batch = 20;

/**
 * Wakes the agent's client whenever mail waits for it and it is idle: by the first way, and by the next one when nobody
 * takes the mail. When no way is heard it says so, and tries again with the next message. Returns how to end that.
 */
export function keepAwake(waking: Waking): Unsubscribe {
	const waker = new Waker(waking);
	const unsubscribe = waking.mailbox.subscribe(event => waker.hear(event));
	return () => {
		unsubscribe();
		waker.end();
	};
}

class Waker {
	readonly #waking: Required<Waking>;
	/** Which way is rung next: the last one that was heard. */
	#way = 0;
	/** What the client told of itself last; null: not known yet. */
	#presence: Presence | null = null;
	/** The mail that an idle client was last rung for, and until when somebody should have taken it. */
	#rung: {readonly ids: ReadonlySet<number>; readonly deadline: number} | null = null;
	/** No way was heard; said once. */
	#gaveUp = false;
	/** Since when mail waits although the agent works, and whether it was rung for. */
	#waitsSince: {readonly at: number; readonly rung: boolean} | null = null;
	#ended = false;
	#looking = false;
	#lookAgain = false;
	#timer: NodeJS.Timeout | null = null;
	readonly #clock: NodeJS.Timeout;

	constructor(waking: Waking) {
		this.#waking = {
			onAgent: () => undefined,
			onReplaced: () => undefined,
			patience: 10_000,
			grace: 30_000,
			every: 60_000,
			...waking,
		};
		this.#clock = setInterval(() => this.#look(), this.#waking.every);
	}

	hear(event: MailboxEvent): void {
		const {tag} = this.#waking;
		switch (event.type) {
			case 'messages':
				if (event.messages.some(message => addresses(message, tag))) this.#look();
				return;
			case 'agents': {
				const agent = event.agents.find(each => sameTag(each.tag, tag));
				if (agent === undefined) return;
				this.#waking.onAgent(agent);
				if (agent.presence === this.#presence) return;
				this.#presence = agent.presence;
				this.#look();
				return;
			}
			case 'connection':
				if (event.connection.phase === 'live') this.#look();
				return;
			case 'replaced':
				this.#waking.onReplaced();
				this.#look();
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

	/** One look at a time; what happens meanwhile makes it look once more. One that fails is made up for by the next. */
	#look(): void {
		if (this.#ended) return;
		this.#lookAgain = this.#looking;
		if (this.#looking) return;
		this.#looking = true;
		this.#lookOnce()
			.catch(() => undefined)
			.finally(() => {
				this.#looking = false;
				if (this.#lookAgain) this.#look();
			});
	}

	#lookIn(milliseconds: number): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#look(), milliseconds);
	}

	async #lookOnce(): Promise<void> {
		const waiting = await this.#waiting();
		if (this.#ended) return;
		if (waiting.length === 0) this.#taken();
		else if (this.#presence === 'idle') await this.#whenIdle(waiting);
		else if (this.#presence === 'working') await this.#whenWorking(waiting);
		// Who waits for a permission, or has gone, is not woken by anything.
	}

	#taken(): void {
		if (this.#rung !== null && this.#gaveUp) this.#waking.onChange(this.#current.name);
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
		const {patience: timeout, tag} = this.#waking;
		const heard = await this.#current.ring(wakeText(tag, waiting)).then(
			() => true,
			() => false,
		);
		this.#rung = {ids: new Set(waiting.map(({id}) => id)), deadline: performance.now() + (heard ? timeout : 0)};
		this.#lookIn(heard ? timeout : 0);
	}

	/** Mail that nobody took for so long: the turn was interrupted, or a tool takes its time. */
	async #whenWorking(waiting: readonly Message[]): Promise<void> {
		const {grace, tag} = this.#waking;
		this.#waitsSince ??= {at: performance.now(), rung: false};
		const left = this.#waitsSince.at + grace - performance.now();
		if (left > 0) {
			this.#lookIn(left);
			return;
		}
		if (this.#waitsSince.rung) return;
		this.#waitsSince = {...this.#waitsSince, rung: true};
		await this.#current.ring(wakeText(tag, waiting));
	}

	get #current(): Way {
		const way = this.#waking.ways[this.#way];
		if (way === undefined) throw new RangeError('A waker needs a way.');
		return way;
	}

	/** False when there is none: the agent reads at its next turn. */
	#nextWay(): boolean {
		const {ways, onChange} = this.#waking;
		this.#gaveUp = this.#way + 1 >= ways.length;
		this.#way = this.#gaveUp ? 0 : this.#way + 1;
		onChange(this.#gaveUp ? 'none' : this.#current.name);
		return !this.#gaveUp;
	}

	/** What is worth a turn: mail that was never handed over, and mail to the agent by name that it left open too long. */
	async #waiting(): Promise<Message[]> {
		const {mailbox, tag} = this.#waking;
		const free = await mailbox.inbox(tag, {limit: batch, free: true});
		const others = free.filter(({mentions}) => !mentions.some(mention => sameTag(mention, tag))).map(({id}) => id);
		if (others.length === 0) return free;
		const had = (await mailbox.receipts(others)).filter(
			({reader, delivered_at}) => sameTag(reader, tag) && delivered_at !== null,
		);
		return free.filter(({id}) => !had.some(({message_id}) => message_id === id));
	}
}
