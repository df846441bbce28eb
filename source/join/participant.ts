import type {Tag} from '../mailbox/tag.ts';

/** An agent that joins in a folder. */
export interface Participant {
	readonly tag: Tag;
	/** Absolute. */
	readonly folder: string;
	/** What it does, shown to the others. */
	readonly role?: string | undefined;
	/** Markdown to add to the general guidance. */
	readonly guidance?: string;
}
