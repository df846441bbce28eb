import {MailboxError} from '../../mailbox/error.ts';
import type {About, MailboxEvent} from '../../mailbox/event.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Newest} from '../rest/newest.ts';
import {coalesce} from './coalesce.ts';
import {readAgent, readReceipt, readRemoved, readTask} from '../rest/rows.ts';
import type {RosterTable} from './realtime.ts';

/** How many of the newest tasks, receipts and redacted messages are emitted again. */
const size = 200;

/** What the roster reads. */
export interface RosterSource {
	readonly newest: Newest;
	readonly agents: Pick<Mailbox, 'agents'>;
	readonly tasks: Mailbox['tasks'];
}

/** Emits what a subscription is about besides messages: the newest rows after each join, then each one that changes. */
export class Roster {
	readonly #emit: (event: MailboxEvent) => void;
	/** Changes that arrived during a refresh. They may be newer than the rows it reads, so they are emitted after it. */
	#deferred: MailboxEvent[] | null = null;

	/** Reads and emits all agents, and the newest tasks, receipts and redacted messages. */
	readonly refresh: () => Promise<void>;

	constructor(source: RosterSource, about: About, emit: (event: MailboxEvent) => void) {
		this.#emit = emit;
		this.refresh = coalesce(async () => {
			this.#deferred = [];
			try {
				for (const event of await Promise.all(newestOf(source, about))) emit(event);
			} finally {
				const deferred = this.#deferred;
				this.#deferred = null;
				for (const event of deferred) emit(event);
			}
		});
	}

	/** Emits the row of a change. Returns false if the row is incomplete: a refresh is needed then. */
	change(table: RosterTable, record: unknown): boolean {
		return this.#emitRead(() => changeOf(table, record));
	}

	/** Emits that a row was deleted. Returns false if its key is incomplete. */
	remove(table: RosterTable, key: unknown): boolean {
		return this.#emitRead(() => ({type: 'removed', row: readRemoved(table, key)}));
	}

	#emitRead(read: () => MailboxEvent | null): boolean {
		const event = unlessIncomplete(read);
		if (event === null) return false;
		if (this.#deferred === null) this.#emit(event);
		else this.#deferred.push(event);
		return true;
	}
}

/** In the order in which they are emitted. */
function newestOf({newest, agents, tasks}: RosterSource, about: About): Promise<MailboxEvent>[] {
	const redacted = async (): Promise<MailboxEvent> => ({type: 'redacted', messages: await newest.redacted(size)});
	if (about === 'messages') return [redacted()];
	const present = async (): Promise<MailboxEvent> => ({type: 'agents', agents: await agents.agents(), complete: true});
	const receipts = async (): Promise<MailboxEvent> => ({type: 'receipts', receipts: await newest.receipts(size)});
	// Those of all readers: no index leads to the newest of one.
	if (about !== 'everything') return [present(), receipts()];
	const listed = async (): Promise<MailboxEvent> => ({type: 'tasks', tasks: await tasks.list({limit: size})});
	return [listed(), present(), receipts(), redacted()];
}

function changeOf(table: RosterTable, record: unknown): MailboxEvent | null {
	if (record === null) return null;
	if (table === 'tasks') return {type: 'tasks', tasks: [readTask(record)]};
	if (table === 'agents') return {type: 'agents', agents: [readAgent(record)]};
	return {type: 'receipts', receipts: [readReceipt(record)]};
}

function unlessIncomplete(read: () => MailboxEvent | null): MailboxEvent | null {
	try {
		return read();
	} catch (error) {
		if (error instanceof MailboxError) return null;
		throw error;
	}
}
