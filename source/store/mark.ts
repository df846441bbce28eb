import type {Message} from '../mailbox/message.ts';
import {foldTag} from '../mailbox/tag.ts';
import {lowerBound} from './state/ordered.ts';

/** The part of a message that the timeline draws: small, because there are many. Tags are folded. */
export interface Mark {
	readonly id: number;
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly tag: string;
	/** Empty: it is for everyone else. */
	readonly mentions: readonly string[];
	readonly reply_to: number | null;
	/** The beginning of its body. */
	readonly excerpt: string;
}

const noMentions: readonly string[] = [];
const maxExcerptLength = 160;

function markOf({id, created_at, tag, mentions, reply_to, body}: Message): Mark {
	return {
		id,
		at: Date.parse(created_at),
		tag: foldTag(tag),
		mentions: mentions.length === 0 ? noMentions : mentions.map(foldTag),
		reply_to,
		excerpt: body.length <= maxExcerptLength ? body : copied(body.slice(0, maxExcerptLength)),
	};
}

/** A copy of a slice: the slice itself would keep the whole text in memory. */
function copied(text: string): string {
	return Buffer.from(text).toString();
}

/** Marks by time, then by id, each id once. Appending newer ones is cheap. */
export class Marks {
	readonly #list: Mark[] = [];
	readonly #byId = new Map<number, Mark>();
	#version = 0;

	get list(): readonly Mark[] {
		return this.#list;
	}

	/** A number that changes whenever marks were inserted, replaced or removed; while it stays the same, marks were only appended. */
	get version(): number {
		return this.#version;
	}

	get(id: number): Mark | undefined {
		return this.#byId.get(id);
	}

	/** Replaces the excerpts of redacted messages. */
	redact(messages: readonly Message[]): void {
		for (const message of messages) {
			const known = this.#byId.get(message.id);
			if (known === undefined) continue;
			const mark = markOf(message);
			this.#byId.set(mark.id, mark);
			this.#list[this.#list.indexOf(known)] = mark;
			this.#version++;
		}
	}

	/** Once there are a tenth more than `max`, removes the oldest ones beyond it; returns whether it did. */
	trim(max: number): boolean {
		if (this.#list.length < max * 1.1) return false;
		for (const {id} of this.#list.splice(0, this.#list.length - max)) this.#byId.delete(id);
		this.#version++;
		return true;
	}

	/** Adds marks of messages; returns how many are new. */
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
		// Sorting a nearly sorted list takes one pass.
		if (!isLater) {
			this.#list.sort(inTime);
			this.#version++;
		}
		return fresh.length;
	}
}

function inTime(one: Mark, other: Mark): number {
	return one.at - other.at || one.id - other.id;
}

/** The index of the first item in a list by time that is not before `at`. */
export function firstFrom(list: readonly {readonly at: number}[], at: number): number {
	return lowerBound(list, item => item.at < at);
}
