import type {Json} from '../../mailbox/json.ts';
import type {Message, MessageRow} from '../../mailbox/message.ts';
import {isTag} from '../../mailbox/tag.ts';

/** What a hook reads of a message, of which its signature is a part. */
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
	/** As it stands in `meta`, of which nothing else is sent; null where there is none. */
	readonly signature: Json;
	/** What happened to it before it was taken just now; absent where that was not asked for. */
	readonly receipts?: unknown;
}

/** What a hook tells of a message. */
export type Mail = Pick<
	Message,
	'id' | 'tag' | 'body' | 'mentions' | 'reply_to' | 'author_tag' | 'author_kind' | 'verified' | 'created_at' | 'signed'
> & {
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
] as const;

/** The same of a row that is taken: its receipts are embedded as they were before that. */
export const takeColumns = [...mailColumns, 'receipts(reader,attempts,takes)'] as const;

/** What Claude Code takes of a hook's text; it cuts what is longer where it happens to. */
export const maxTextLength = 10_000;

/** The rows of an answer that are messages. Another version's rows are dropped, and with them nothing is marked. */
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

/** Whether a prompt is what a wake became; the client puts words of its own around it. */
export function isWakeText(text: string): boolean {
	return /\d+ new messages? for \S+ in the agentmux mailbox, from /.test(text);
}
