import {z} from 'zod';
import {isTag} from '../../mailbox/tag.ts';

export const tagSchema = z
	.string()
	.transform(text => text.replace(/^@/, ''))
	.refine(isTag, 'A tag is a letter, then up to 31 letters, digits, _ or -: CLAUDE_1.');
