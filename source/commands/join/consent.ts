import {createInterface} from 'node:readline/promises';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {write} from '../cli/output.ts';

/**
 * Asks the user to confirm the files of a recipe from someone else, because agents follow its guidance as if it were their user's.
 * Throws UsageError if there is no terminal to ask in, and MailboxError `forbidden` if the answer is not yes.
 */
export async function askConsent(
	{stdin, stderr}: Pick<Invocation, 'stdin' | 'stderr'>,
	folder: string,
	preview: Printable,
): Promise<void> {
	if (!stdin.isTTY || !stderr.isTTY) {
		throw new UsageError(
			`The recipe in ${folder} does not come with agentmux, and there is no terminal to ask for confirmation.`,
			'Review what it would write with --print, then use --yes.',
		);
	}
	await write(stderr, p`${preview}The recipe in ${printable(folder)} does not come with agentmux. `);
	const terminal = createInterface({input: stdin, output: stderr});
	// The end of the input does not count as yes.
	const ended = new Promise<string>(resolve => terminal.once('close', () => resolve('')));
	try {
		const answer = await Promise.race([terminal.question('Write all of this? (y/N) '), ended]);
		if (/^y(?:es)?$/i.test(answer.trim())) return;
	} finally {
		terminal.close();
	}
	throw new MailboxError('forbidden', 'Nothing was written.', 'Answer y to join with this recipe.');
}
