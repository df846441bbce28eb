import {resembled} from '../../mailbox/look-alike.ts';
import {authorDiffers, isUrgent, signatureRemark, type Message} from '../../mailbox/message.ts';
import {readableBody} from '../../mailbox/redaction.ts';
import {HUMAN, sameTag, SYSTEM} from '../../mailbox/tag.ts';
import {joinPrintable, p, printable, printableLines, type Printable} from '../../printable.ts';
import {styled} from './output.ts';

/**
 * A message for people to read: `#12  14:03:22  CLAUDE_1  hello`. Further lines of its body are indented behind a bar, so that no
 * body can look like another message.
 */
export function messageText(stream: NodeJS.WriteStream, message: Message, now = new Date()): Printable {
	const id = styled(stream, 'dim', p`#${message.id}`);
	return messageLines(stream, message, p`${id}  ${styled(stream, 'dim', timeOf(message.created_at, now))}`);
}

/** As `messageText`, with something else before the tag. */
export function messageLines(stream: NodeJS.WriteStream, message: Message, before: Printable): Printable {
	const [first = p``, ...rest] = printableLines(readableBody(message));
	const head = [
		before,
		p`${styled(stream, 'bold', printable(message.tag))}${styled(stream, 'dim', provenance(message))}${signature(stream, message)}${isUrgent(message) ? styled(stream, 'red', p` (urgent)`) : p``}`,
	];
	const body = p`${message.reply_to === null ? '' : p`↳ #${message.reply_to} `}${first}`;
	const gutter = styled(stream, 'dim', p`    │ `);
	return p`${joinPrintable([...head, body], '  ')}\n${joinPrintable(rest.map(line => p`${gutter}${line}\n`))}`;
}

/** The tag that this one resembles, and the real author where it differs from the tag. */
function provenance(message: Message): Printable {
	const like = resembled(message.tag, [HUMAN, SYSTEM]);
	return p`${like === null ? '' : p` (not ${printable(like)})`}${author(message)}`;
}

function author(message: Message): Printable {
	if (!authorDiffers(message)) return p``;
	if (!message.verified && message.signed !== true) return p` (unverified)`;
	if (message.author_tag !== null && sameTag(message.author_tag, message.tag)) return p``;
	return p` (by ${printable(message.author_tag ?? 'an unknown author')})`;
}

/** The state of the signature, where there is something to say about it. */
function signature(stream: NodeJS.WriteStream, message: Message): Printable {
	const remark = signatureRemark(message);
	if (remark === null) return p``;
	if (remark === 'invalid signature') return styled(stream, 'red', p` (INVALID SIGNATURE)`);
	return styled(stream, 'dim', p` (${remark})`);
}

/** Local time, with the date when it is not today's. Not by Intl, because loading ICU's tables takes longer than all the rest. */
export function timeOf(timestamp: string, now = new Date()): Printable {
	const time = new Date(timestamp);
	if (Number.isNaN(time.getTime())) return printable(timestamp);
	const date = dateOf(time);
	const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
	return printable(date === dateOf(now) ? clock : `${date} ${clock}`);
}

function dateOf(time: Date): string {
	return [String(time.getFullYear()).padStart(4, '0'), two(time.getMonth() + 1), two(time.getDate())].join('-');
}

function two(value: number): string {
	return String(value).padStart(2, '0');
}
