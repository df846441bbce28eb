import {printable} from '../printable.ts';

interface Head {
	readonly id: number;
	/** The tag of the message. */
	readonly from: string;
	/** Who vouches for the tag. */
	readonly provenance: string;
	readonly created_at: string;
	readonly reply_to?: number | null | undefined;
	/** The reader may have received it before. */
	readonly again?: boolean | undefined;
}

/** The line above the text of a message that an agent reads. */
export function messageHead({id, from, provenance, created_at, reply_to, again}: Head): string {
	const reply = typeof reply_to === 'number' ? `, in reply to #${reply_to}` : '';
	return `#${id} from ${printable(from)} (${provenance}), ${printable(created_at)}${reply}${again === true ? ', again' : ''}:`;
}

/** The line below a text that was cut, which says how to get the rest. */
export function cutLine(how: string): string {
	return `  (cut: ${how})`;
}
