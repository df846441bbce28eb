import {UsageError} from '../mailbox/error.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageText} from './cli/message-text.ts';
import {noSuchMessage, orMissing} from './cli/not-found.ts';
import {write, writeJson} from './cli/output.ts';
import {idWord, tagFlag, textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'take out what a message says; who wrote it when stays',
	help: `
		Take text and meta out of a message, for everybody and for good.

		Usage
		  agentmux redact ID [--reason TEXT] [--as TAG] [--json]

		  --reason TEXT   why; everybody reads it
		  --as TAG        act as that agent (AGENTMUX_TAG when absent)
		  --json          the row as it is now

		A human may redact every message, an agent what it wrote itself. The message keeps its number, tag, author, time
		and thread, and says who redacted it. Backups, and the database's log until it is recycled, still hold the text,
		and so does every client that has read it.

		Example
		  agentmux redact 120 --reason "a password"
	`,
	flags: {reason: {type: 'string'}, as: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const [word, ...more] = input;
		if (word === undefined || more.length > 0) {
			throw new UsageError('Give the number of one message.', 'agentmux redact 120 --reason "a password"');
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
