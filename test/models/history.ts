import {anchorOf, isBeyond, type Anchor, type Position} from '../../source/gateway/rest/position.ts';
import type {Message} from '../../source/mailbox/message.ts';

/** Of each insert another one, in whichever history: when it was written is what a message is known by. */
let moment = 0;

export const keyOf = ({id, created_at}: Pick<Message, 'id' | 'created_at'>): string =>
	`${id}@${Date.parse(created_at)}`;

/**
 * The messages of a PostgreSQL, seen from outside: ids are taken at the insert, rows appear at the commit, in any order; and it can
 * lose what was written last, and use its numbers once more.
 */
export class History {
	/** Counts databases and announced changes of history. */
	generation = 1;
	committed: Message[] = [];
	readonly open = new Map<number, Message[]>();
	/** Committed behind what had a later number: a copy from in between lacks them, and has that. */
	readonly overtaken = new Set<string>();
	/** Everything ever committed, in any history. */
	readonly ever: Message[] = [];
	#xid = 8;
	#id = 0;
	#copy: {readonly committed: readonly Message[]; readonly xid: number; readonly id: number} | null = null;

	begin(): number {
		this.open.set(++this.#xid, []);
		return this.#xid;
	}

	insert(xid: number): void {
		this.open.get(xid)?.push(messageOf(xid, ++this.#id));
	}

	/** The rows that can be read from now on. */
	end(xid: number, commit: boolean): readonly Message[] {
		const rows = commit ? (this.open.get(xid) ?? []) : [];
		if (this.committed.some(other => Number(other.xid) > xid)) {
			for (const message of rows) this.overtaken.add(keyOf(message));
		}
		this.committed.push(...rows);
		this.ever.push(...rows);
		this.open.delete(xid);
		return rows;
	}

	/** A transaction of one message. */
	post(): readonly Message[] {
		const xid = this.begin();
		this.insert(xid);
		return this.end(xid, true);
	}

	/** Another database under the same address. */
	replace(): void {
		this.generation += 1;
		this.committed = [];
		this.open.clear();
		this.#xid = 8 + (this.generation % 3) * 40;
		this.#id = 0;
		this.#copy = null;
	}

	/** The files are copied while it runs; what is open is rolled back where the copy is opened. */
	copy(): void {
		this.#copy = {committed: [...this.committed], xid: this.#xid, id: this.#id};
	}

	/** That copy is restored; it may be noticed and announced as another history. */
	putBack(noticed: boolean): void {
		if (this.#copy === null) return;
		this.committed = [...this.#copy.committed];
		this.open.clear();
		this.#xid = this.#copy.xid;
		this.#id = this.#copy.id;
		if (noticed) this.generation += 1;
	}

	/** Killed: the ids of transactions that had written nothing yet are used again. */
	crash(): void {
		this.open.clear();
		this.#xid = Math.max(8, ...this.committed.map(({xid}) => Number(xid)));
	}

	/** The oldest transaction that is still running. */
	get horizon(): number {
		return Math.min(this.#xid + 1, ...this.open.keys());
	}

	/** The newest row that nothing can slip in before. */
	get settled(): Anchor | null {
		const last = this.#sorted.findLast(message => this.isSettled(message));
		return last === undefined ? null : anchorOf(last);
	}

	isSettled({xid}: Pick<Message, 'xid'>): boolean {
		return Number(xid) < this.horizon;
	}

	after(place: Position, limit: number): Message[] {
		return this.#sorted.filter(message => isBeyond(message, place)).slice(0, limit);
	}

	upTo(place: Position): Message[] {
		return this.#sorted.filter(message => !isBeyond(message, place)).slice(-64);
	}

	get #sorted(): Message[] {
		return this.committed.toSorted((one, other) => (isBeyond(one, other) ? 1 : -1));
	}
}

function messageOf(xid: number, id: number): Message {
	return {
		id,
		content: `[W] ${++moment}`,
		tag: 'W',
		body: String(moment),
		mentions: [],
		reply_to: null,
		thread_id: id,
		client_id: null,
		meta: {},
		author_tag: null,
		author_kind: null,
		verified: false,
		xid: String(xid),
		created_at: new Date(moment).toISOString(),
		signed: false,
	};
}
