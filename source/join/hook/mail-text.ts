import {cutText, fairShare} from '../../mailbox/excerpt.ts';
import {maxContentBytes} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {heldSentence} from '../../mailbox/tasks/held.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {notice, quotedText} from '../../quotation/agent-text.ts';
import {cutLine, handOverNumber, messageHead} from '../../quotation/message-head.ts';
import {provenance} from '../../quotation/provenance.ts';
import {maxTextLength, type Mail} from './mail.ts';

/**
 * Formats messages for an agent, in at most `room` UTF-16 units. It states facts and gives no orders, which would trigger defences
 * against injection. Each text is indented behind a bar that it cannot leave. Texts that are too long are cut, the longest first.
 * What stands around them costs tokens at each hand-over: 200 characters at most, beside a head for each message.
 */
export function mailText(
	reader: Tag,
	mail: readonly Mail[],
	{more, room: maxLength = maxTextLength}: {readonly more: boolean; readonly room?: number},
): string {
	const count = `${mail.length} new ${mail.length === 1 ? 'message' : 'messages'}`;
	const opening = `${count} for ${reader} in the agentmux mailbox. ${notice}`;
	const closing = `send_message to a sender answers.${more ? ' There may be more messages: check_messages.' : ''}`;
	const heads = mail.map(each => headOf(each, reader));
	const frame = [opening, ...heads, closing].reduce((sum, part) => sum + part.length + 2, 0);
	const note = cutNote(reader, Number.MAX_SAFE_INTEGER, maxContentBytes).length;
	const room = Math.max(0, maxLength - frame - mail.length * note);
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

/** Names the tasks that an agent has claimed: rows of `task_held`. Null if there are none. */
export function heldText(tag: Tag, rows: unknown): string | null {
	const held = (Array.isArray(rows) ? (rows as Partial<Record<'id' | 'progress', unknown>>[]) : []).flatMap(
		({id, progress}) => (typeof id === 'number' && typeof progress === 'number' ? [{id, progress}] : []),
	);
	if (held.length === 0) return null;
	return `${heldSentence(tag, held)} claim_task shows what is held on the agentmux task board.`;
}

/** Reminds of messages that were handed over before and are not answered. */
export function openText(reader: Tag, mail: readonly Pick<Mail, 'id' | 'tag'>[]): string {
	const list = mail.map(({id, tag}) => `#${id} from ${printable(tag)}`).join(', ');
	return (
		`${mail.length} ${mail.length === 1 ? 'message that names' : 'messages that name'} ${reader} ` +
		`${mail.length === 1 ? 'is' : 'are'} open in the agentmux mailbox: ${list}. ` +
		'send_message answers, ack_message closes; there is no other reminder.'
	);
}

/**
 * Names the senders only; the texts are handed over with the prompt that this becomes. With the newest id, because a client drops a
 * text that equals the last one; `notice` counts the texts for the same message, from 1.
 */
export function wakeText(reader: Tag, mail: readonly Pick<Mail, 'id' | 'tag'>[], notice = 1): Printable {
	const senders = joinPrintable([...new Set(mail.map(({tag}) => printable(tag)))], ', ');
	const newest = Math.max(...mail.map(({id}) => id));
	const count = notice > 1 ? p`, notice ${notice}` : p``;
	return p`${mail.length} new ${mail.length === 1 ? 'message' : 'messages'} for ${printable(reader)} in the agentmux mailbox, from ${senders} (#${newest}${count}).`;
}

function headOf(mail: Mail, reader: Tag): string {
	const {tag, ...rest} = mail;
	return messageHead({...rest, from: tag, provenance: provenance(mail, reader), again: handOverOf(mail, reader)});
}

function handOverOf({receipts}: Pick<Mail, 'receipts'>, reader: Tag): number {
	if (!Array.isArray(receipts)) return 1;
	const own = (receipts as Partial<Record<string, unknown>>[]).find(
		({reader: tag}) => typeof tag === 'string' && sameTag(tag, reader),
	);
	const count = (name: string): number => (Number.isSafeInteger(own?.[name]) ? Number(own?.[name]) : 0);
	return handOverNumber({attempts: count('attempts'), takes: count('takes')});
}

/** The quoted body, processing no more of it than can be shown. */
function textOf(body: string, room: number): string {
	return quotedText(cutText(body, room))
		.map(line => `\n${line}`)
		.join('');
}

function cutNote(reader: Tag, id: number, length: number): string {
	const shell = `agentmux inbox --as ${reader}`;
	return `\n${cutLine(`it has ${length} characters; read_thread with id ${id}, or \`${shell}\` in a shell, shows it`)}`;
}
