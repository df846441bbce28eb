import {createInterface} from 'node:readline/promises';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {write} from '../cli/output.ts';

/**
 * Asks a person whether what a recipe of somebody else would write is to be written: agents read its guidance as their user's
 * word. Throws UsageError where there is nobody to ask, and MailboxError `forbidden` where the answer is not yes.
 */
export async function askConsent(
	{stdin, stderr}: Pick<Invocation, 'stdin' | 'stderr'>,
	folder: string,
	preview: Printable,
): Promise<void> {
	if (!stdin.isTTY || !stderr.isTTY) {
		throw new UsageError(
			`The recipe in ${folder} does not come with agentmux, and nobody can be asked about it here.`,
			'Read what it would write with --print, then give --yes.',
		);
	}
	await write(stderr, p`${preview}The recipe in ${printable(folder)} does not come with agentmux. `);
	const terminal = createInterface({input: stdin, output: stderr});
	// The end of the input is not a yes.
	const ended = new Promise<string>(resolve => terminal.once('close', () => resolve('')));
	try {
		const answer = await Promise.race([terminal.question('Write all of this? (y/N) '), ended]);
		if (/^y(?:es)?$/i.test(answer.trim())) return;
	} finally {
		terminal.close();
	}
	throw new MailboxError('forbidden', 'Nothing was written.', 'Answer y to join with this recipe.');
}
