import {MailboxError} from '../../mailbox/error.ts';
import type {MailboxEvent} from '../../mailbox/event.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Newest} from '../rest/newest.ts';
import {coalesce} from './coalesce.ts';
import {readAgent, readReceipt, readTask} from '../rest/rows.ts';

/** How many of the newest tasks, receipts and redacted messages are told again. */
const size = 200;

/** What the roster reads. */
export interface RosterSource {
	readonly newest: Newest;
	readonly agents: Pick<Mailbox, 'agents'>;
	readonly tasks: Mailbox['tasks'];
}

/** Tells tasks, agents, receipts and redacted messages: all that matter after each join, and each one that changes. */
export class Roster {
	readonly #tell: (event: MailboxEvent) => void;
	/** Changes that came while everything was being read, and may be newer than what is read: told after it. */
	#held: MailboxEvent[] | null = null;

	/** Reads the newest tasks, receipts and redacted messages and all agents, and tells them. */
	readonly refresh: () => Promise<void>;

	constructor({newest, agents, tasks}: RosterSource, tell: (event: MailboxEvent) => void) {
		this.#tell = tell;
		this.refresh = coalesce(async () => {
			this.#held = [];
			try {
				const all = await Promise.all([
					tasks.list({limit: size}),
					agents.agents(),
					newest.receipts(size),
					newest.redacted(size),
				]);
				tell({type: 'tasks', tasks: all[0]});
				tell({type: 'agents', agents: all[1]});
				tell({type: 'receipts', receipts: all[2]});
				if (all[3].length > 0) tell({type: 'redacted', messages: all[3]});
			} finally {
				const held = this.#held;
				this.#held = null;
				for (const event of held) tell(event);
			}
		});
	}

	/** Tells the row of a change, and returns false when it did not come as it should: then everything is to be read. */
	change(table: 'tasks' | 'agents' | 'receipts', record: unknown): boolean {
		const event = eventOf(table, record);
		if (event === null) return false;
		if (this.#held === null) this.#tell(event);
		else this.#held.push(event);
		return true;
	}
}

function eventOf(table: 'tasks' | 'agents' | 'receipts', record: unknown): MailboxEvent | null {
	if (record === null) return null;
	try {
		if (table === 'tasks') return {type: 'tasks', tasks: [readTask(record)]};
		if (table === 'agents') return {type: 'agents', agents: [readAgent(record)]};
		return {type: 'receipts', receipts: [readReceipt(record)]};
	} catch (error) {
		if (error instanceof MailboxError) return null;
		throw error;
	}
}
