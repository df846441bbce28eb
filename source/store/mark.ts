import type {Message} from '../mailbox/message.ts';
import {foldTag} from '../mailbox/tag.ts';

/** A message as the timeline draws it: small, because there are many. Tags are folded. */
export interface Mark {
	readonly id: number;
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly tag: string;
	/** Empty: everyone else. */
	readonly mentions: readonly string[];
	readonly reply_to: number | null;
	/** How its body begins. */
	readonly excerpt: string;
}

const nobody: readonly string[] = [];
const maxExcerptLength = 160;

function markOf({id, created_at, tag, mentions, reply_to, body}: Message): Mark {
	return {
		id,
		at: Date.parse(created_at),
		tag: foldTag(tag),
		mentions: mentions.length === 0 ? nobody : mentions.map(foldTag),
		reply_to,
		excerpt: body.length <= maxExcerptLength ? body : copied(body.slice(0, maxExcerptLength)),
	};
}

/** A slice of a text would keep all of it in memory. */
function copied(text: string): string {
	return Buffer.from(text).toString();
}

/** Marks by time, then by id, each id once; grows at its end for next to nothing. */
export class Marks {
	readonly #list: Mark[] = [];
	readonly #byId = new Map<number, Mark>();
	#order = 0;

	get list(): readonly Mark[] {
		return this.#list;
	}

	/** Changes when a mark came before another, or the oldest went: a list that only grew keeps its order. */
	get order(): number {
		return this.#order;
	}

	get(id: number): Mark | undefined {
		return this.#byId.get(id);
	}

	/** What was redacted says no more than it does now. */
	redact(messages: readonly Message[]): void {
		for (const message of messages) {
			const known = this.#byId.get(message.id);
			if (known === undefined) continue;
			const mark = markOf(message);
			this.#byId.set(mark.id, mark);
			this.#list[this.#list.indexOf(known)] = mark;
			this.#order++;
		}
	}

	/** Forgets the oldest beyond `max` once there are a tenth more; whether it did. */
	trim(max: number): boolean {
		if (this.#list.length < max * 1.1) return false;
		for (const {id} of this.#list.splice(0, this.#list.length - max)) this.#byId.delete(id);
		this.#order++;
		return true;
	}

	/** How many of them are new. */
	add(messages: readonly Message[]): number {
		const fresh: Mark[] = [];
		for (const message of messages) {
			if (this.#byId.has(message.id)) continue;
			const mark = markOf(message);
			if (Number.isNaN(mark.at)) continue;
			this.#byId.set(mark.id, mark);
			fresh.push(mark);
		}
		if (fresh.length === 0) return 0;
		fresh.sort(inTime);
		const first = fresh[0];
		const last = this.#list.at(-1);
		const isLater = last === undefined || first === undefined || inTime(last, first) < 0;
		for (const mark of fresh) this.#list.push(mark);
		// What is nearly sorted is sorted in one pass.
		if (!isLater) {
			this.#list.sort(inTime);
			this.#order++;
		}
		return fresh.length;
	}
}

function inTime(one: Mark, other: Mark): number {
	return one.at - other.at || one.id - other.id;
}

/** The first index at which a list by time is not before `at`. */
export function firstFrom(list: readonly {readonly at: number}[], at: number): number {
	let [low, high] = [0, list.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((list[middle]?.at ?? Infinity) < at) low = middle + 1;
		else high = middle;
	}
	return low;
}
