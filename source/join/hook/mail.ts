import type {Json} from '../../mailbox/json.ts';
import type {Message, MessageRow} from '../../mailbox/message.ts';
import {isTag} from '../../mailbox/tag.ts';

/** The columns of a message that a hook reads, including its signature. */
export interface MailRow extends Pick<
	MessageRow,
	| 'id'
	| 'content'
	| 'tag'
	| 'mentions'
	| 'reply_to'
	| 'client_id'
	| 'author_tag'
	| 'author_kind'
	| 'verified'
	| 'created_at'
> {
	/** From `meta`, of which only two fields are requested; null if there is none. */
	readonly signature: Json;
	/** Also from `meta`; absent from a database of an earlier version. */
	readonly urgent?: unknown;
	/** Its receipts before it was taken; absent if they were not requested. */
	readonly receipts?: unknown;
}

/** The part of a message that a hook hands over. */
export type Mail = Pick<
	Message,
	'id' | 'tag' | 'body' | 'mentions' | 'reply_to' | 'author_tag' | 'author_kind' | 'verified' | 'created_at' | 'signed'
> & {
	readonly urgent?: unknown;
	readonly receipts?: unknown;
};

/** The columns of a MailRow, as PostgREST's `select` names them. */
export const mailColumns = [
	'id',
	'content',
	'tag',
	'mentions',
	'reply_to',
	'client_id',
	'author_tag',
	'author_kind',
	'verified',
	'created_at',
	'signature:meta->signature',
	'urgent:meta->urgent',
] as const;

/** The same for a row that is taken, with its receipts as they were before. */
export const takeColumns = [...mailColumns, 'receipts(reader,attempts,takes)'] as const;

/** How much of a hook's text a client shows to its model. */
export interface HookRoom {
	/** What the client counts in a text: its characters or its bytes. */
	readonly size: (text: string) => number;
	readonly max: number;
	/** Bytes of content for which a hook takes mail, so that all of it fits with what stands around it. */
	readonly bytes: number;
}

/** The rows of an answer that are messages. Rows of an unknown form, as of another version, are dropped and not marked. */
export function readMail(value: unknown): MailRow[] {
	return Array.isArray(value) ? value.filter(isMail) : [];
}

function isMail(value: unknown): value is MailRow {
	if (typeof value !== 'object' || value === null) return false;
	const {id, tag, content, created_at, mentions} = value as Partial<Record<keyof MailRow, unknown>>;
	return (
		Number.isSafeInteger(id) &&
		typeof tag === 'string' &&
		typeof content === 'string' &&
		typeof created_at === 'string' &&
		Array.isArray(mentions) &&
		mentions.every(mention => typeof mention === 'string' && isTag(mention))
	);
}

/** Whether a text is what mailText or openText made. */
export function isMailText(text: string): boolean {
	return /^\d+ (?:new )?messages? (?:for|that names?) [^\n]* in the agentmux mailbox[.:] /.test(text);
}

/** Whether a prompt was made from a wake text; the client adds its own words around it. */
export function isWakeText(text: string): boolean {
	return /\d+ new messages? for \S+ in the agentmux mailbox, from /.test(text);
}
