import type {Tag} from '../mailbox/tag.ts';

/** Who gets a place in which folder. */
export interface Participant {
	readonly tag: Tag;
	/** Absolute. */
	readonly folder: string;
	/** What it does, for the others to see. */
	readonly role?: string | undefined;
	/** What its guidance says beyond the general section; Markdown. */
	readonly guidance?: string;
}
