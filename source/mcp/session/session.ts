import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {AnsweringTransport} from './after-answer.ts';

/** What every tool works with: one agent's place at the mailbox. */
export interface Session {
	/** Whom the tools write as. */
	readonly tag: Tag;
	/** Opened at the first use, so that the server answers before a hub does; a failure is tried anew by the next call. */
	mailbox(): Promise<Mailbox>;
	/** Whether another client works under the tag just now, as far as it is known. */
	isShared(): boolean;
	/** Runs one half of `work`, when it is known whether the answer to that request was written. */
	afterAnswer: AnsweringTransport['afterAnswer'];
}
