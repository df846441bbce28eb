import {checkContent} from '../mailbox/content.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {contentOf, maxContentBytes, mentionsIn, urgentMeta, type Draft} from '../mailbox/message.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {p} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {timeOf} from './cli/message-text.ts';
import {withMailbox} from './connect/connect.ts';
import {remark, write, writeJson} from './cli/output.ts';
import {unknownAmong} from './cli/unknown-tags.ts';
import {asTag, idFlag, tagFlag, timeFlag} from './cli/values.ts';

const command: Command = {
	summary: 'send a message',
	help: `
		Send a message, and print its id.

		Usage
		  agentmux send [--as TAG] [--to TAG]... [--reply ID] [--urgent] [--at TIME | --in TIME] TEXT
		  agentmux send [...] -                 read the text from stdin

		  --as TAG      write under this tag; the message still shows who really wrote it. In an agent's program or a joined
		                folder, only that agent's tag is allowed
		  --to TAG      address it to TAG: puts @TAG in front, unless the text already mentions it
		  --reply ID    reply to that message, in its thread
		  --urgent      it goes before other messages, and reaches also a focused agent between its tools (\`agentmux focus\`)
		  --at TIME     send it then: a time (14:30) or a date (2026-11-20T14:30); \`agentmux scheduled\` lists such messages
		  --in TIME     send it after that time: 30m, 2h
		  --json        print the whole row instead of the id

		Without --to and without an @TAG in the text, the message is for everyone.

		Examples
		  agentmux send --to CLAUDE_1 "run the tests, please"
		  git diff | agentmux send --to CLAUDE_2 --reply 12 -
	`,
	flags: {
		as: {type: 'string'},
		to: {type: 'string', isMultiple: true},
		reply: {type: 'string'},
		urgent: {type: 'boolean'},
		at: {type: 'string'},
		in: {type: 'string'},
		json: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const as = tagFlag(flags, 'as');
		const to = (Array.isArray(flags['to']) ? flags['to'] : []).map(tag => asTag(String(tag), '--to'));
		const reply = idFlag(flags, 'reply');
		const due = dueIn(flags);
		if (input.length === 0)
			throw new UsageError('No text given.', 'Give it as TEXT, or use `-` to read it from stdin.');
		const text = input.length === 1 && input[0] === '-' ? await readText(invocation.stdin) : input.join(' ');
		checkContent(text.trim() === '' ? '' : text);
		const body = addressed(text, to);
		await withMailbox(invocation, {under: as}, async mailbox => {
			const tag = as ?? (await mailbox.identity()).tag;
			const draft: Draft = {
				content: contentOf(tag, body),
				reply_to: reply ?? null,
				...(flags['urgent'] === true ? {meta: urgentMeta} : {}),
			};
			if (due !== undefined) return schedule(invocation, mailbox, draft, due);
			const [message, agents] = await Promise.all([
				mailbox.post(draft),
				// Sending matters more: a failure here is ignored.
				mentionsIn(body).length === 0 ? null : mailbox.agents().catch(() => null),
			]);
			for (const [tag, hint] of agents === null ? [] : unknownAmong(agents, to))
				remark(invocation.stderr, `${tag} has not joined yet; the message will wait for it. ${hint}`);
			const paused = agents?.filter(
				each => each.paused !== null && message.mentions.some(other => sameTag(each.tag, other)),
			);
			for (const each of paused ?? []) remark(invocation.stderr, `${each.tag} is paused; delivered after resume.`);
			if (flags['json'] === true) await writeJson(stdout, message);
			else await write(stdout, p`${message.id}\n`);
		});
	},
};

export default command;

/** When it is to be sent: milliseconds since 1970; undefined: now. */
function dueIn(flags: Invocation['flags']): number | undefined {
	if (flags['at'] !== undefined && flags['in'] !== undefined)
		throw new UsageError('Give either --at or --in.', 'Example: agentmux send --in 30m "how far are you?"');
	return timeFlag(flags, 'at', 'future') ?? timeFlag(flags, 'in', 'future');
}

async function schedule(
	{flags, stdout, stderr}: Invocation,
	mailbox: Mailbox,
	draft: Draft,
	due: number,
): Promise<void> {
	const scheduled = await mailbox.scheduled.post(draft, new Date(due).toISOString());
	if (flags['json'] === true) return writeJson(stdout, scheduled);
	// Not on stdout: that is the id of a message there.
	const {id, due_at} = scheduled;
	remark(stderr, `It will be sent at ${timeOf(due_at)}. To take it back: \`agentmux scheduled cancel ${id}\``);
}

function addressed(text: string, to: readonly Tag[]): string {
	const mentioned = mentionsIn(text);
	const missing = to.filter(tag => !mentioned.some(other => sameTag(tag, other)));
	return [...missing.map(tag => `@${tag}`), text].join(' ');
}

/** All of stdin as UTF-8, without the final line break. Stops reading at more than a message may contain. */
async function readText(stdin: NodeJS.ReadStream): Promise<string> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of stdin as AsyncIterable<Buffer>) {
		chunks.push(chunk);
		size += chunk.length;
		if (size > maxContentBytes + 2) {
			throw new MailboxError(
				'invalid',
				`The text on stdin is larger than ${maxContentBytes.toLocaleString('en')} bytes, the maximum for one message.`,
				'Put it in a file and send its path.',
			);
		}
	}
	let text: string;
	try {
		text = new TextDecoder('utf-8', {fatal: true}).decode(Buffer.concat(chunks));
	} catch (error) {
		throw new MailboxError('invalid', 'The text on stdin is not UTF-8.', 'Send the path of a file instead.', {
			cause: error,
		});
	}
	return text.replace(/\r?\n$/, '');
}
