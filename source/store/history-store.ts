import {MailboxError} from '../mailbox/error.ts';
import type {Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {StateChange} from '../mailbox/state-change.ts';
import type {Task} from '../mailbox/task.ts';
import {derivedAgents, derivedTasks} from './derived.ts';
import {Marks} from './mark.ts';
import {replay, type Replay} from './replay.ts';
import type {State} from './state.ts';

const page = 1000;
/** Older messages than this many are not read, and are forgotten while new ones come; a mark takes about 200 bytes. */
const maxMarks = 50_000;
const maxChanges = 20_000;
/** Whole messages beside the store's, which may be long. */
const maxMessages = 50;
/** Ids commit out of order, by no more than this many. */
const overlap = 200;

/**
 * What is looked back on: marks of the messages, and how tasks and agents changed, from now back to wherever somebody wanted to
 * look. Nothing is kept while nobody looks.
 */
export class HistoryStore {
	readonly #opening: Promise<Mailbox>;
	readonly #state: () => State;
	readonly #listeners = new Set<() => void>();
	#open = false;
	#marks = new Marks();
	readonly #messages = new Map<number, Message>();
	#changes: StateChange[] = [];
	#fetched: ReadonlyMap<number, Task> = new Map();
	/** Milliseconds since 1970: all messages, all changes since then are here. */
	#marksFrom = Infinity;
	#changesFrom = Infinity;
	/** What was wished for, and what of it is being read. */
	#asked = Infinity;
	#wanted = Infinity;
	/** The id before which the next page of messages is. */
	#before = Infinity;
	/** Counts how often what was read of the changes had to be forgotten. */
	#generation = 0;
	#reading: Promise<void> | null = null;
	#trouble: string | null = null;
	#seen: State | null = null;
	#replay: {readonly key: readonly unknown[]; readonly replay: Replay} | null = null;

	constructor(opening: Promise<Mailbox>, state: () => State) {
		this.#opening = opening;
		this.#state = state;
	}

	/** Told when more has been read. */
	subscribe(listener: () => void): Unsubscribe {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Begins with what the store holds; everything before it is read by `reach`. */
	open(): void {
		this.close();
		this.#open = true;
		this.#sync();
	}

	/** Where somebody looks: begins again, with nothing of what was read. */
	restart(): void {
		if (this.#open) this.open();
	}

	/** Forgets everything. */
	close(): void {
		this.#open = false;
		this.#marks = new Marks();
		this.#messages.clear();
		this.#changes = [];
		this.#fetched = new Map();
		[this.#marksFrom, this.#changesFrom, this.#before] = [Infinity, Infinity, Infinity];
		[this.#asked, this.#wanted] = [Infinity, Infinity];
		this.#generation++;
		this.#reading = null;
		this.#trouble = null;
		this.#seen = null;
		this.#replay = null;
	}

	/** Reads back to this moment (milliseconds since 1970), as far as there is room. Failures are said by `trouble`. */
	reach(from: number): void {
		if (!this.#open || from >= this.#wanted) return;
		this.#asked = Math.min(this.#asked, Math.floor(from));
		this.#wanted = this.#asked;
		this.#read();
	}

	/** Messages by time. The list grows in place. */
	get marks(): Marks {
		this.#sync();
		return this.#marks;
	}

	/** Since when everything is here, in milliseconds since 1970; -Infinity: there is nothing before. */
	get from(): number {
		return Math.max(this.#marksFrom, this.#changesFrom);
	}

	/** There is more, and no room for it. */
	get isFull(): boolean {
		return this.#marks.list.length >= maxMarks || this.#changes.length >= maxChanges;
	}

	get isReading(): boolean {
		return this.#reading !== null;
	}

	/** One sentence when it could not be read. */
	get trouble(): string | null {
		return this.#trouble;
	}

	/** The message itself, where it is here. */
	message(id: number): Message | undefined {
		const {messages} = this.#state();
		let [low, high] = [0, messages.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((messages[middle]?.id ?? 0) < id) low = middle + 1;
			else high = middle;
		}
		return messages[low]?.id === id ? messages[low] : this.#messages.get(id);
	}

	/** Keeps a message that is looked at; its mark alone does not say what it says. */
	keep(message: Message): void {
		if (this.#messages.size >= maxMessages) this.#messages.clear();
		if (this.#open) this.#messages.set(message.id, message);
		this.#tell();
	}

	/** Forgets what redacted messages said. */
	redact(messages: readonly Message[]): void {
		this.#marks.redact(messages);
		for (const message of messages) if (this.#messages.has(message.id)) this.#messages.set(message.id, message);
		this.#tell();
	}

	/** A task that the store may have forgotten. */
	task(id: number): Task | undefined {
		return this.#state().tasks.get(id) ?? this.#fetched.get(id);
	}

	/** How every task and agent stood; the same object while nothing changed. */
	get replay(): Replay {
		this.#sync();
		const {tasks, agents} = this.#state();
		const key = [this.#changes.length, this.#changesFrom, this.#fetched, tasks, agents];
		if (this.#replay === null || this.#replay.key.some((part, index) => part !== key[index])) {
			const rows = new Map([...this.#fetched, ...tasks]);
			this.#replay = {key, replay: replay(this.#changes, {tasks: rows.values(), agents: agents.values()})};
		}
		return this.#replay.replay;
	}

	/** Takes in what the store has heard since the last time. */
	#sync(): void {
		const state = this.#state();
		const before = this.#seen;
		if (!this.#open || state === before) return;
		this.#seen = state;
		if (before === null) {
			this.#marks.add(state.messages);
			return;
		}
		if (state.messages !== before.messages) this.#marks.add(newest(state, this.#marks));
		if (state.tasks !== before.tasks) this.#changes.push(...derivedTasks(before.tasks, state.tasks));
		if (state.agents !== before.agents) this.#changes.push(...derivedAgents(before.agents, state.agents));
		this.#trim();
		// What changed while the line was down was not heard.
		if (state.connection.phase === 'live' && before.connection.phase !== 'live') {
			this.#changesFrom = Infinity;
			this.#changes = [];
			this.#generation++;
			this.#read();
		}
	}

	/** The timeline may stay open for a week. What is being read is older than what is forgotten, and is of no use then. */
	#trim(): void {
		if (this.#marks.trim(maxMarks)) {
			const [oldest] = this.#marks.list;
			this.#marksFrom = oldest?.at ?? this.#marksFrom;
			this.#before = oldest?.id ?? this.#before;
		}
		if (this.#changes.length >= maxChanges * 1.1) {
			this.#changes = this.#changes.slice(-maxChanges);
			this.#changesFrom = Date.parse(this.#changes[0]?.at ?? '');
			this.#generation++;
		}
	}

	#read(): void {
		if (this.#reading !== null) return;
		this.#trouble = null;
		this.#wanted = this.#asked;
		const marks = this.#marks;
		const reading = (async () => {
			let trouble: string | null = null;
			try {
				await this.#readOn(() => this.#open && this.#marks === marks);
			} catch (error) {
				trouble = error instanceof MailboxError ? error.sentence : String(error);
			}
			if (this.#marks !== marks) return;
			this.#reading = null;
			this.#trouble = trouble;
			// Tried again at the next wish, or when the connection is back.
			if (trouble !== null) this.#wanted = Infinity;
			this.#tell();
		})();
		this.#reading = reading;
	}

	async #readOn(isCurrent: () => boolean): Promise<void> {
		const mailbox = await this.#opening;
		while (isCurrent() && this.#wanted < this.from && !this.isFull) {
			if (this.#changesFrom > this.#wanted) await this.#readChanges(mailbox, this.#wanted, isCurrent);
			if (isCurrent() && this.#marksFrom > this.#wanted) await this.#readMessages(mailbox, isCurrent);
			if (isCurrent()) this.#tell();
		}
	}

	async #readMessages(mailbox: Mailbox, isCurrent: () => boolean): Promise<void> {
		const before = this.#before;
		const messages = await mailbox.history({limit: page, ...(before === Infinity ? {} : {before})});
		if (!isCurrent() || before !== this.#before) return;
		this.#marks.add(messages);
		const [oldest] = messages;
		this.#marksFrom = messages.length < page || oldest === undefined ? -Infinity : Date.parse(oldest.created_at);
		this.#before = oldest?.id ?? 0;
	}

	async #readChanges(mailbox: Mailbox, wanted: number, isCurrent: () => boolean): Promise<void> {
		const generation = this.#generation;
		const from = new Date(Math.max(0, wanted)).toISOString();
		const to = this.#changesFrom === Infinity ? {} : {to: new Date(this.#changesFrom).toISOString()};
		let changes = await mailbox.changes({from, limit: page, ...to});
		const read = [...changes];
		while (changes.filter(({at}) => Date.parse(at) >= wanted).length >= page && read.length < maxChanges) {
			const [before] = changes;
			if (before === undefined || !isCurrent()) return;
			changes = await mailbox.changes({from, before, limit: page});
			read.unshift(...changes);
		}
		const missing = [...new Set(read.flatMap(change => (change.kind === 'task' ? [change.task_id] : [])))].filter(
			id => this.task(id) === undefined,
		);
		const fetched = new Map(this.#fetched);
		for (let at = 0; at < missing.length; at += 100) {
			const ids = missing.slice(at, at + 100);
			for (const task of await mailbox.tasks.list({ids, limit: ids.length})) fetched.set(task.id, task);
		}
		if (!isCurrent() || generation !== this.#generation) return;
		this.#fetched = fetched;
		this.#changes = [...read, ...this.#changes];
		this.#changesFrom = wanted;
	}

	#tell(): void {
		for (const listener of this.#listeners) listener();
	}
}

/** The messages at the end of the window that have no mark yet, and a few before them. */
function newest({messages}: State, marks: Marks): State['messages'] {
	let known = 0;
	let from = messages.length;
	while (from > 0 && known < overlap) {
		from--;
		if (marks.get(messages[from]?.id ?? 0) !== undefined) known++;
	}
	return messages.slice(from);
}
