import type {Tag} from '../mailbox/tag.ts';

/** An agent that joins in a folder. */
export interface Participant {
	readonly tag: Tag;
	/** Absolute. */
	readonly folder: string;
	/** What it does, shown to the others. */
	readonly role?: string | undefined;
	/** Whether its recipe wants it to have the server for SQL, if nobody says otherwise. */
	readonly sql?: boolean;
	/** Markdown to add to the general guidance. */
	readonly guidance?: string;
}
