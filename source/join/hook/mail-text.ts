import {cutText} from '../../mailbox/text/excerpt.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {heldSentence} from '../../mailbox/tasks/held.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {notice, quotedText} from '../../quotation/agent-text.ts';
import {cutLine, handOverNumber, messageHead} from '../../quotation/message-head.ts';
import {provenance} from '../../quotation/provenance.ts';
import type {HookRoom, Mail} from './mail.ts';

/** Room for what stands below the messages: 10 numbers of 13 digits are the longest. */
const closingRoom = 230;
/** How many of the messages that wait are named. */
const maxNamed = 10;

interface Frame {
	/** The ids of further messages that wait; null if that is not known. */
	readonly rest: readonly number[] | null;
	readonly room: HookRoom;
}

/**
 * Formats messages for an agent: as many as fit whole, and of the first as much as fits. `shown` is their number; the others are
 * named. States facts and gives no orders, which would trigger defences against injection. Each text is indented behind a bar that it
 * cannot leave. What stands around them costs tokens at each hand-over: 200 characters at most, beside a head for each message.
 */
export function mailText(
	reader: Tag,
	mail: readonly Mail[],
	{rest, room}: Frame,
): {readonly text: string; readonly shown: number} {
	const {size, max} = room;
	let left = max - size(opening(reader, mail.length)) - closingRoom;
	const parts: string[] = [];
	for (const each of mail) {
		const part = `\n\n${headOf(each, reader)}${textOf(each.body, max)}`;
		if (each.body.length > max || size(part) > left) {
			if (parts.length === 0) parts.push(cutPart(reader, each, {...room, max: left}));
			break;
		}
		left -= size(part);
		parts.push(part);
	}
	const others = mail.slice(parts.length).map(({id}) => id);
	const text = `${opening(reader, parts.length)}${parts.join('')}\n\n${closing(others, rest)}`;
	return {text, shown: parts.length};
}

function opening(reader: Tag, count: number): string {
	return `${count} new ${count === 1 ? 'message' : 'messages'} for ${reader} in the agentmux mailbox. ${notice}`;
}

function closing(others: readonly number[], rest: readonly number[] | null): string {
	const ids = [...others, ...(rest ?? [])];
	const named = ids.slice(0, maxNamed).map(id => `#${id}`);
	const wait = `${named.join(', ')}${ids.length > maxNamed ? ' …' : ''} ${ids.length === 1 ? 'waits' : 'wait'}: check_messages.`;
	const unknown = rest === null ? ' There may be more messages: check_messages.' : '';
	return `send_message to a sender answers.${ids.length > 0 ? ` ${wait}` : unknown}`;
}

/** As much of a message as fits, and how to get the rest. */
function cutPart(reader: Tag, mail: Mail, {size, max}: HookRoom): string {
	const {id, body} = mail;
	let shown = cutText(body, max);
	for (;;) {
		const part = `\n\n${headOf(mail, reader)}${textOf(shown, max)}${cutNote(reader, id, shown.length, body.length)}`;
		if (size(part) <= max || shown === '') return part;
		shown = cutText(shown, Math.min(shown.length - 1, Math.floor((shown.length * max) / size(part))));
	}
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
		'send_message answers; there is no other reminder.'
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
	const {tag, urgent, ...rest} = mail;
	return messageHead({
		...rest,
		from: tag,
		provenance: provenance(mail, reader),
		urgent: urgent === true,
		again: handOverOf(mail, reader),
	});
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

function cutNote(reader: Tag, id: number, from: number, length: number): string {
	const tool = `read_thread with id ${id} and text_from ${from}`;
	const shell = `agentmux inbox --as ${reader}`;
	return `\n${cutLine(`it has ${length} characters; ${tool}, or \`${shell}\` in a shell, shows the rest`)}`;
}
