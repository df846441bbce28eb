import {MailboxError} from '../mailbox/error.ts';
import type {Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {StateChange} from '../mailbox/state-change.ts';
import type {Task} from '../mailbox/task.ts';
import {derivedAgents, derivedTasks} from './derived.ts';
import {Marks} from './mark.ts';
import {replay, type Replay} from './replay.ts';
import {firstFrom} from './state/scrollback.ts';
import type {State} from './state/state.ts';

const page = 1000;
/** The maximum number of marks, which take about 200 bytes each. The oldest are forgotten when new ones come. */
const maxMarks = 50_000;
const maxChanges = 20_000;
/** The maximum number of whole messages, which may be long, in addition to the store's. */
const maxMessages = 50;
/** Ids commit out of order, but not by more than this many. */
const overlap = 200;

/**
 * The data of the timeline: marks of messages, and the changes of tasks and agents, from now back to wherever the human has looked.
 * It is empty while the timeline is closed.
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
	/** All messages and all changes since these times are here (milliseconds since 1970). */
	#marksFrom = Infinity;
	#changesFrom = Infinity;
	/** The earliest time that was asked for, and the one that is being read. */
	#asked = Infinity;
	#wanted = Infinity;
	/** The id before which the next page of messages is. */
	#before = Infinity;
	/** Counts how often the changes were discarded. */
	#generation = 0;
	#reading: Promise<void> | null = null;
	#trouble: string | null = null;
	#seen: State | null = null;
	#replay: {readonly key: readonly unknown[]; readonly replay: Replay} | null = null;

	constructor(opening: Promise<Mailbox>, state: () => State) {
		this.#opening = opening;
		this.#state = state;
	}

	/** Calls the listener whenever more has been read. */
	subscribe(listener: () => void): Unsubscribe {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Begins with the store's messages; `reach` reads older ones. */
	open(): void {
		this.close();
		this.#open = true;
		this.#sync();
	}

	/** If it is open, begins again with the store's messages. */
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

	/** Reads back to this time (milliseconds since 1970), as far as there is room. Failures are reported in `trouble`. */
	reach(from: number): void {
		if (!this.#open || from >= this.#wanted) return;
		this.#asked = Math.min(this.#asked, Math.floor(from));
		this.#wanted = this.#asked;
		this.#read();
	}

	/** Marks of the messages by time. The list grows in place. */
	get marks(): Marks {
		this.#sync();
		return this.#marks;
	}

	/** The time since which everything is here, in milliseconds since 1970; -Infinity if there is nothing older. */
	get from(): number {
		return Math.max(this.#marksFrom, this.#changesFrom);
	}

	/** Whether there is no room for more. */
	get isFull(): boolean {
		return this.#marks.list.length >= maxMarks || this.#changes.length >= maxChanges;
	}

	get isReading(): boolean {
		return this.#reading !== null;
	}

	/** Why the last read failed, in one sentence. */
	get trouble(): string | null {
		return this.#trouble;
	}

	/** The whole message, if it is here. */
	message(id: number): Message | undefined {
		const {messages} = this.#state();
		const found = messages[firstFrom(messages, id)];
		return found?.id === id ? found : this.#messages.get(id);
	}

	/** Keeps a whole message that is shown, since its mark only has an excerpt. */
	keep(message: Message): void {
		if (this.#messages.size >= maxMessages) this.#messages.clear();
		if (this.#open) this.#messages.set(message.id, message);
		this.#tell();
	}

	/** Forgets the text of redacted messages. */
	redact(messages: readonly Message[]): void {
		this.#marks.redact(messages);
		for (const message of messages) if (this.#messages.has(message.id)) this.#messages.set(message.id, message);
		this.#tell();
	}

	/** A task that the store may have forgotten. */
	task(id: number): Task | undefined {
		return this.#state().tasks.get(id) ?? this.#fetched.get(id);
	}

	/** The states of every task and agent over time; the same object while nothing changed. */
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

	/** Adds what the store has received since the last call. */
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
		// Changes during a lost connection were not received.
		if (state.connection.phase === 'live' && before.connection.phase !== 'live') {
			this.#changesFrom = Infinity;
			this.#changes = [];
			this.#generation++;
			this.#read();
		}
	}

	/** Keeps a timeline that stays open for a week within its bounds. A read in progress is older still, so its result is discarded. */
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
			// Tried again at the next call of `reach`, or when the connection is back.
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

/** The end of the window, from the messages without a mark on, and some before them. */
function newest({messages}: State, marks: Marks): State['messages'] {
	let known = 0;
	let from = messages.length;
	while (from > 0 && known < overlap) {
		from--;
		if (marks.get(messages[from]?.id ?? 0) !== undefined) known++;
	}
	return messages.slice(from);
}
