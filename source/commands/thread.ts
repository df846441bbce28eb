import {UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import {treeOf, type ThreadEntry} from '../mailbox/thread.ts';
import {joinPrintable, p, type Printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageText} from './cli/message-text.ts';
import {noSuchMessage} from './cli/not-found.ts';
import {styled, write, writeJson} from './cli/output.ts';
import {idWord} from './cli/values.ts';

const page = 1000;

const command: Command = {
	summary: 'print a message and all replies, as a tree',
	help: `
		Print the thread that a message belongs to: each reply below the message it replies to.

		Usage
		  agentmux thread [--json] ID

		  ID      the id of any message in the thread
		  --json  print the rows as one JSON array, oldest first

		Examples
		  agentmux thread 12
		  agentmux thread 12 --json | jq -r '.[].body'
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const id = idWord(input[0], 'message');
		if (input.length > 1) throw new UsageError('Give only one message.', 'Example: agentmux thread 12');
		await withMailbox(invocation, {}, async mailbox => {
			const root = await rootOf(mailbox, id);
			const messages = await wholeThread(mailbox, root);
			if (flags['json'] === true) await writeJson(stdout, messages);
			else await write(stdout, joinPrintable(treeOf(messages, root).map(entry => lineOf(stdout, entry))));
		});
	},
};

export default command;

/** The id of the thread's first message. Rejects with MailboxError if there is no such message. */
async function rootOf(mailbox: Mailbox, id: number): Promise<number> {
	const [message] = await mailbox.history({after: id - 1, before: id + 1, limit: 1});
	if (message !== undefined) return message.thread_id;
	throw noSuchMessage(id);
}

async function wholeThread(mailbox: Mailbox, root: number): Promise<Message[]> {
	let messages: Message[] = [];
	for (;;) {
		const before = messages[0]?.id;
		const older = await mailbox.history({thread: root, limit: page, ...(before === undefined ? {} : {before})});
		messages = [...older, ...messages];
		if (older.length < page) return messages;
	}
}

/** A message with the lines of the tree in front of each of its lines. */
function lineOf(stdout: NodeJS.WriteStream, {message, depth, goesOn}: ThreadEntry): Printable {
	const text = messageText(stdout, message).trimEnd();
	if (depth === 0) return p`${text}\n`;
	const above = goesOn.slice(0, -1).map(more => (more ? p`│ ` : p`  `));
	const last = goesOn.at(-1) === true;
	const [first = p``, ...rest] = text.split('\n');
	const rails = (own: Printable) => styled(stdout, 'dim', joinPrintable([...above, own]));
	const further = rest.map(line => p`${rails(last ? p`│ ` : p`  `)}${line}`);
	return joinPrintable([p`${rails(last ? p`├ ` : p`└ `)}${first}`, ...further, p``], '\n');
}
