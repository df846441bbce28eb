import {UsageError} from '../mailbox/error.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageText} from './cli/message-text.ts';
import {noSuchMessage, orMissing} from './cli/not-found.ts';
import {write, writeJson} from './cli/output.ts';
import {idWord, tagFlag, textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'remove the text of a message; its author and time stay',
	help: `
		Remove the text and meta of a message, for everyone and for good.

		Usage
		  agentmux redact ID [--reason TEXT] [--as TAG] [--json]

		  --reason TEXT   why; everyone can read it
		  --as TAG        act as that agent (default AGENTMUX_TAG)
		  --json          print the row after the change

		A human may redact every message, an agent only its own. The message keeps its number, tag, author, time and thread, and
		shows who redacted it. Backups, the database's log until it is recycled, and every client that has read the message still
		have the text.

		Example
		  agentmux redact 120 --reason "a password"
	`,
	flags: {reason: {type: 'string'}, as: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const [word, ...more] = input;
		if (word === undefined || more.length > 0) {
			throw new UsageError('Give the number of one message.', 'Example: agentmux redact 120 --reason "a password"');
		}
		const id = idWord(word, 'message');
		const reason = textFlag(flags, 'reason');
		await withMailbox(invocation, {as: tagFlag(flags, 'as')}, async mailbox => {
			const message = await mailbox.redact(id, reason).catch((error: unknown) => {
				throw orMissing(error, noSuchMessage(id));
			});
			if (flags['json'] === true) await writeJson(stdout, message);
			else await write(stdout, messageText(stdout, message));
		});
	},
};

export default command;
