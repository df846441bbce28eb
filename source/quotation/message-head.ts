import {printable} from '../printable.ts';

interface Head {
	readonly id: number;
	/** The tag that it stands under. */
	readonly from: string;
	/** Who vouches for that. */
	readonly provenance: string;
	readonly created_at: string;
	readonly reply_to?: number | null | undefined;
	/** The reader may have been given it before; a number says which hand-over this is. */
	readonly again?: boolean | number | undefined;
}

/** The line before the text of a message that an agent reads. */
export function messageHead({id, from, provenance, created_at, reply_to, again}: Head): string {
	const reply = typeof reply_to === 'number' ? `, in reply to #${reply_to}` : '';
	const repeated = typeof again === 'number' ? `, again (${ordinal(again)})` : again === true ? ', again' : '';
	return `#${id} from ${printable(from)} (${provenance}), ${printable(created_at)}${reply}${repeated}:`;
}

/** `2nd`, `3rd`, `11th`. */
export function ordinal(count: number): string {
	const suffixes = {one: 'st', two: 'nd', few: 'rd', other: 'th'} as const;
	const rule = new Intl.PluralRules('en', {type: 'ordinal'}).select(count);
	return `${count}${suffixes[rule as keyof typeof suffixes] ?? 'th'}`;
}

/** The line behind a text that was cut: how to get the rest. */
export function cutLine(how: string): string {
	return `  (cut: ${how})`;
}
