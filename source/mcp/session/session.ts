import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {AnsweringTransport} from './after-answer.ts';

/** What the tools of one agent's server share. */
export interface Session {
	/** The agent that the tools act as. */
	readonly tag: Tag;
	/** The running client, by which its hooks tell the database what it has read; undefined if it is not known. */
	readonly client: string | undefined;
	/** Opened at the first use, so that the server can answer before a hub does. After a failure the next call tries again. */
	mailbox(): Promise<Mailbox>;
	/** Whether another client is known to use the tag. */
	isShared(): boolean;
	/** Whether its client lives and is at work, so that what it has claimed is renewed. */
	isAtWork(): boolean;
	/** Called with each call of a tool. */
	onCall?(): void;
	/** A line that every answer ends with, of at most 200 characters; null: none. */
	note(): string | null;
	/** Runs one of the functions of `work` once it is known whether the answer was written. */
	afterAnswer: AnsweringTransport['afterAnswer'];
}
