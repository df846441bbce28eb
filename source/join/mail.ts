import {cutText, fairShare} from '../mailbox/excerpt.ts';
import type {Json} from '../mailbox/json.ts';
import {maxContentBytes, type Message, type MessageRow} from '../mailbox/message.ts';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import {notice, quotedText} from '../quotation/agent-text.ts';
import {provenance} from '../quotation/provenance.ts';

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
export const longestText = 10_000;

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

/**
 * Messages as an agent reads them: at most `room` UTF-16 units in all. States facts and gives no orders, which trip
 * injection defences; each text stands behind a gutter that it cannot leave. What is too long is cut, the longest first.
 */
export function mailText(
	reader: Tag,
	mail: readonly Mail[],
	{more, room: most = longestText}: {readonly more: boolean; readonly room?: number},
): string {
	const count = `${mail.length} new ${mail.length === 1 ? 'message' : 'messages'}`;
	const opening = `${count} for ${reader} in the agentmux mailbox. ${notice}`;
	const closing =
		'The `agentmux` tools answer: send_message with reply_to answers and closes a message; ack_message only closes it.' +
		(more ? ' There may be more messages: check_messages hands them over.' : '');
	const heads = mail.map(each => headOf(each, reader));
	const frame = [opening, ...heads, closing].reduce((sum, part) => sum + part.length + 2, 0);
	const note = cutNote(reader, Number.MAX_SAFE_INTEGER, maxContentBytes).length;
	const room = Math.max(0, most - frame - mail.length * note);
	const texts = mail.map(({body}) => textOf(body, room));
	const share = fairShare(
		texts.map(text => text.length),
		room,
	);
	const parts = mail.map(({id, body}, index) => {
		const text = texts[index] ?? '';
		const whole = text.length <= share && body.length <= room;
		return `${heads[index] ?? ''}${whole ? text : `${cutText(text, share)}${cutNote(reader, id, body.length)}`}`;
	});
	return [opening, ...parts, closing].join('\n\n');
}

/** Whether a text is one of these two. */
export function isMailText(text: string): boolean {
	return /^\d+ (?:new )?messages? (?:for|that names?) [^\n]* in the agentmux mailbox[.:] /.test(text);
}

/** What was handed over before and is neither answered nor acknowledged. */
export function openText(reader: Tag, mail: readonly Pick<Mail, 'id' | 'tag'>[]): string {
	const list = mail.map(({id, tag}) => `#${id} from ${printable(tag)}`).join(', ');
	return (
		`${mail.length} ${mail.length === 1 ? 'message that names' : 'messages that name'} ${reader} ` +
		`${mail.length === 1 ? 'is' : 'are'} neither answered nor acknowledged in the agentmux mailbox: ${list}. ` +
		'send_message with reply_to answers one, ack_message only closes one, check_messages with again: true shows their texts. This is said once.'
	);
}

/** Names senders and no texts: those come with the prompt that this becomes. */
export function wakeText(reader: Tag, mail: readonly Pick<Mail, 'tag'>[]): Printable {
	const senders = joinPrintable([...new Set(mail.map(({tag}) => printable(tag)))], ', ');
	return p`${mail.length} new ${mail.length === 1 ? 'message' : 'messages'} for ${printable(reader)} in the agentmux mailbox, from ${senders}.`;
}

/** Whether a prompt is what a wake became; the client puts words of its own around it. */
export function isWakeText(text: string): boolean {
	return /\d+ new messages? for \S+ in the agentmux mailbox, from /.test(text);
}

function headOf(mail: Mail, reader: Tag): string {
	const reply = mail.reply_to === null ? '' : `, in reply to #${mail.reply_to}`;
	return `#${mail.id} from ${printable(mail.tag)} (${provenance(mail, reader)}), ${printable(mail.created_at)}${reply}${isAgain(mail, reader) ? ', again' : ''}:`;
}

/** Whether the reader may have been given it before: it was handed over, or taken by somebody who did not get to say it. */
function isAgain({receipts}: Pick<Mail, 'receipts'>, reader: Tag): boolean {
	if (!Array.isArray(receipts)) return false;
	return (receipts as Partial<Record<string, unknown>>[]).some(receipt => {
		const {reader: tag, attempts, takes} = receipt;
		return typeof tag === 'string' && sameTag(tag, reader) && Number(attempts) + Number(takes) > 0;
	});
}

/** No more of the body is looked at than could be shown. */
function textOf(body: string, room: number): string {
	return quotedText(cutText(body, room))
		.map(line => `\n${line}`)
		.join('');
}

function cutNote(reader: Tag, id: number, length: number): string {
	return `\n  (cut: it has ${length} characters; read_thread with id ${id}, or \`agentmux inbox --as ${reader}\` in a shell, shows it)`;
}
