import {MailboxError} from './error.ts';
import {maxContentBytes} from './message.ts';

/** Throws `invalid` for a content that the database would refuse, before a byte of it is sent. */
export function checkContent(content: string): void {
	if (content === '') throw new MailboxError('invalid', 'The message is empty.', 'Write something first.');
	if (content.includes('\0')) {
		throw new MailboxError(
			'invalid',
			'The message contains a NUL character, which PostgreSQL cannot store.',
			'Take it out.',
		);
	}
	if (!content.isWellFormed()) {
		throw new MailboxError(
			'invalid',
			'The message contains half of a character (a lone surrogate), which UTF-8 cannot carry.',
			'Take it out.',
		);
	}
	const bytes = Buffer.byteLength(content);
	if (bytes > maxContentBytes) {
		throw new MailboxError(
			'invalid',
			`The message has ${bytes.toLocaleString('en')} bytes; at most ${maxContentBytes.toLocaleString('en')} fit.`,
			'Shorten it, or put the text in a file and send its path.',
		);
	}
}
