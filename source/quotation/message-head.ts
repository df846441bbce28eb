import {printable} from '../printable.ts';

interface Head {
	readonly id: number;
	/** The tag of the message. */
	readonly from: string;
	/** Who vouches for the tag. */
	readonly provenance: string;
	/** ISO 8601. */
	readonly created_at: string;
	readonly reply_to?: number | null | undefined;
	/** Whether its sender calls it urgent. */
	readonly urgent?: boolean | undefined;
	/** Which hand-over this is, if the reader may have received it before. */
	readonly again?: number | undefined;
}

/** The line above the text of a message that an agent reads. */
export function messageHead({id, from, provenance, created_at, reply_to, urgent = false, again}: Head): string {
	const reply = typeof reply_to === 'number' ? `, in reply to #${reply_to}` : '';
	const first = urgent ? ', urgent (its sender asks you to deal with it before you go on)' : '';
	const before = again === undefined || again < 2 ? '' : `, again (${ordinal(again)})`;
	return `#${id} from ${printable(from)} (${provenance}), ${printable(shortTime(created_at))}${reply}${first}${before}:`;
}

/**
 * Which hand-over of a message this is, from its receipt as it was before: how often it was delivered, and how often taken since by
 * clients that could not confirm that they handed it over.
 */
export function handOverNumber({attempts, takes}: {readonly attempts: number; readonly takes: number}): number {
	return Math.max(attempts + 1, takes > 0 ? 2 : 1);
}

/** The line below a text that was cut, which says how to get the rest. */
export function cutLine(how: string): string {
	return `  (cut: ${how})`;
}

/** A time to the second, in UTC: `2026-11-23 10:00:00Z`. What is no time stays as it is. */
export function shortTime(time: string): string {
	const date = new Date(time);
	return Number.isNaN(date.getTime()) ? time : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

function ordinal(count: number): string {
	const last = count % 100 > 10 && count % 100 < 14 ? 0 : count % 10;
	return `${count}${['th', 'st', 'nd', 'rd'][last] ?? 'th'}`;
}
