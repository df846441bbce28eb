import {authorDiffers, signatureRemark, type Message} from '../mailbox/message.ts';
import {resembled} from '../mailbox/look-alike.ts';
import {HUMAN, sameTag, SYSTEM} from '../mailbox/tag.ts';
import {printable, printableLines} from '../printable.ts';
import {styled} from './output.ts';

/**
 * A message for people to read: `#12  14:03:22  CLAUDE_1  hello`. Further lines of its body stand behind a gutter, so that
 * no body can look like another message.
 */
export function messageText(stream: NodeJS.WriteStream, message: Message, now = new Date()): string {
	const id = styled(stream, 'dim', `#${message.id}`);
	return messageLines(stream, message, `${id}  ${styled(stream, 'dim', timeOf(message.created_at, now))}`);
}

/** The same with something else before the tag. */
export function messageLines(stream: NodeJS.WriteStream, message: Message, before: string): string {
	const [first = '', ...rest] = printableLines(message.body);
	const head = [
		before,
		`${styled(stream, 'bold', printable(message.tag))}${styled(stream, 'dim', provenance(message))}${signature(stream, message)}`,
	];
	const body = `${message.reply_to === null ? '' : `↳ #${message.reply_to} `}${first}`;
	const gutter = styled(stream, 'dim', '    │ ');
	return `${[...head, body].join('  ')}\n${rest.map(line => `${gutter}${line}\n`).join('')}`;
}

/** What the tag might be taken for, and who really wrote it, where that is not who the tag says. */
function provenance(message: Message): string {
	const like = resembled(message.tag, [HUMAN, SYSTEM]);
	return `${like === null ? '' : ` (not ${like})`}${author(message)}`;
}

function author(message: Message): string {
	if (!authorDiffers(message)) return '';
	if (!message.verified && message.signed !== true) return ' (unverified)';
	if (message.author_tag !== null && sameTag(message.author_tag, message.tag)) return '';
	return ` (by ${printable(message.author_tag ?? 'nobody known')})`;
}

/** Whether a key that is trusted here says that a human wrote it. */
function signature(stream: NodeJS.WriteStream, message: Message): string {
	const remark = signatureRemark(message);
	if (remark === null) return '';
	return remark === 'invalid signature' ? styled(stream, 'red', ' (INVALID SIGNATURE)') : styled(stream, 'dim', ` (${remark})`);
}

const clock = new Intl.DateTimeFormat('sv', {timeStyle: 'medium'});
const calendar = new Intl.DateTimeFormat('sv', {dateStyle: 'short'});

/** Local time, with the date when it is not today's. */
export function timeOf(timestamp: string, now = new Date()): string {
	const time = new Date(timestamp);
	if (Number.isNaN(time.getTime())) return printable(timestamp);
	const date = calendar.format(time);
	return date === calendar.format(now) ? clock.format(time) : `${date} ${clock.format(time)}`;
}
