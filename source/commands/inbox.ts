import {UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {addresses, type Message} from '../mailbox/message.ts';
import type {Tag} from '../mailbox/tag.ts';
import {joinPrintable, p} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageText} from './cli/message-text.ts';
import {remark, write, writeJson} from './cli/output.ts';
import {unknownTags} from './cli/unknown-tags.ts';
import {undelivered} from './cli/undelivered.ts';
import {countFlag, tagFlag} from './cli/values.ts';

const command: Command = {
	summary: 'print the open messages to a tag',
	help: `
		Print messages that are addressed to a tag and neither acknowledged nor replied to, oldest first. This changes nothing:
		the agent's own client still gets each of them. A message that clients took but could not hand over is marked.

		Usage
		  agentmux inbox --as TAG [--wait SECONDS] [--ack] [-n N] [--json]

		  --as TAG        whose inbox (default AGENTMUX_TAG)
		  --wait SECONDS  if it is empty, wait up to SECONDS for a message
		  --ack           also acknowledge the printed messages
		  -n, --lines N   print at most N messages (default 50)
		  --json          print the rows as one JSON array

		Example
		  agentmux inbox --as CLAUDE_1 --wait 60 --ack
	`,
	flags: {
		as: {type: 'string'},
		wait: {type: 'string'},
		ack: {type: 'boolean'},
		lines: {type: 'string', shortFlag: 'n'},
		json: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		if (input.length > 0) throw new UsageError('`agentmux inbox` takes no arguments.', 'Use --as TAG to say whose.');
		const as = tagFlag(flags, 'as');
		const wait = countFlag(flags, 'wait', 0) ?? 0;
		const limit = countFlag(flags, 'lines') ?? 50;
		await withMailbox(invocation, {as}, async mailbox => {
			const {tag} = await mailbox.identity();
			const messages = await readInbox(mailbox, tag, limit, wait);
			if (flags['json'] === true) await writeJson(stdout, messages);
			else if (messages.length === 0)
				remark(invocation.stderr, `No messages for ${tag}.${await whyEmpty(mailbox, tag)}`);
			else {
				const lines = await undelivered(mailbox, stdout, messages);
				const texts = messages.flatMap(message => [messageText(stdout, message), lines.get(message.id) ?? p``]);
				await write(stdout, joinPrintable(texts));
			}
			const ids = messages.map(({id}) => id);
			// Only after writing: a reader that went away did not get them.
			if (flags['ack'] === true && ids.length > 0) await mailbox.ack(ids, 'cli');
		});
	},
};

export default command;

async function whyEmpty(mailbox: Mailbox, tag: Tag): Promise<string> {
	const hint = (await unknownTags(mailbox, [tag])).get(tag);
	return hint === undefined ? '' : ` It has not joined, so it does not get messages for everyone. ${hint}`;
}

/** The inbox; if it is empty, waits up to `seconds` for the first message. */
async function readInbox(mailbox: Mailbox, reader: Tag, limit: number, seconds: number): Promise<Message[]> {
	const now = await mailbox.inbox(reader, {limit});
	if (now.length > 0 || seconds === 0) return now;
	const {promise, resolve, reject} = Promise.withResolvers<Message[]>();
	const look = () => mailbox.inbox(reader, {limit});
	// A last look: without Realtime no event has arrived.
	const timer = setTimeout(() => void look().then(resolve, reject), seconds * 1000);
	const unsubscribe = mailbox.subscribe(
		event => {
			const arrives = event.type === 'messages' && event.messages.some(message => addresses(message, reader));
			// A message committed before the subscription was live is in the inbox, but in no event.
			const isLive = event.type === 'connection' && event.connection.phase === 'live';
			if (arrives || isLive) look().then(messages => messages.length > 0 && resolve(messages), reject);
		},
		null,
		'messages',
	);
	try {
		return await promise;
	} finally {
		clearTimeout(timer);
		unsubscribe();
	}
}
