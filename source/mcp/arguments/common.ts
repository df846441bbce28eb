import {z} from 'zod';
import {isTag, tagGrammar} from '../../mailbox/tag.ts';

/** The number of a message or a task. */
export const idSchema = z.number().int().positive();

export const limitSchema = z.number().int().min(1).max(50).default(20);

export const queueSchema = z.string().min(1).max(64);

/** Seconds that a claim lasts without renewal. */
export const leaseSchema = z.number().int().min(10).max(3600);

export const tagSchema = z
	.string()
	.transform(text => text.replace(/^@/, ''))
	.refine(isTag, tagGrammar);

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

/** Any JSON object. Some clients reject a schema that allows any value; this one allows only objects. */
export const anyObject = z.record(z.string(), z.unknown()).meta({additionalProperties: true});
