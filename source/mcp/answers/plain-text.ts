import {z} from 'zod';

/** Text of 1 to `max` UTF-16 units that PostgreSQL can store. */
export function plainText(max: number): z.ZodString {
	return z
		.string()
		.min(1)
		.max(max)
		.refine(
			text => !text.includes('\0') && text.isWellFormed(),
			'It contains a NUL character or half of a surrogate pair, which cannot be stored. Remove it.',
		);
}
