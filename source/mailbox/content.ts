import {MailboxError} from './error.ts';
import {maxContentBytes} from './message.ts';

/** Throws `invalid` if the database would refuse a content, before anything is sent. */
export function checkContent(content: string): void {
	if (content === '') throw new MailboxError('invalid', 'The message is empty.', 'Write something first.');
	if (content.includes('\0')) {
		throw new MailboxError(
			'invalid',
			'The message contains a NUL character, which PostgreSQL cannot store.',
			'Remove it.',
		);
	}
	if (!content.isWellFormed()) {
		throw new MailboxError(
			'invalid',
			'The message contains half of a surrogate pair, which UTF-8 cannot represent.',
			'Remove it.',
		);
	}
	const bytes = Buffer.byteLength(content);
	if (bytes > maxContentBytes) {
		throw new MailboxError(
			'invalid',
			`The message has ${bytes.toLocaleString('en')} bytes; the maximum is ${maxContentBytes.toLocaleString('en')}.`,
			'Shorten it, or put the text in a file and send its path.',
		);
	}
}
