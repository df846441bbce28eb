import {z} from 'zod';

/** A text that PostgreSQL can store, of 1 to `most` UTF-16 units. */
export function plainText(most: number): z.ZodString {
	return z
		.string()
		.min(1)
		.max(most)
		.refine(
			text => !text.includes('\0') && text.isWellFormed(),
			'It holds a NUL character or half of a character, which cannot be stored: take it out.',
		);
}
