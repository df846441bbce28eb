import {MailboxError, UsageError} from '../mailbox/error.ts';
import type {Connection, MailboxEvent} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {inChannel, type Message} from '../mailbox/message.ts';
import type {Tag} from '../mailbox/tag.ts';
import type {Command, Invocation} from './command.ts';
import {withMailbox} from './connect.ts';
import {messageText} from './message-text.ts';
import {jsonLine, remark, write} from './output.ts';
import {strangers} from './strangers.ts';
import {countFlag, idFlag, tagFlag} from './values.ts';

const page = 1000;

const command: Command = {
	summary: 'print messages, and follow what comes',
	help: `
		Print the newest messages, oldest first.

		Usage
		  agentmux tail [--tag TAG] [--since ID | -n N] [--follow] [--json]

		  --tag TAG     only what TAG wrote or is addressed by
		  --since ID    everything after that message
		  -n, --lines N how many (default 20)
		  --follow, -f  stay, and print each new message as it comes
		  --json        JSON Lines: one message a line, all columns

		Examples
		  agentmux tail --follow
		  agentmux tail --tag CLAUDE_1 --since 120 --json | jq -r .body
	`,
	flags: {
		tag: {type: 'string'},
		since: {type: 'string'},
		lines: {type: 'string', shortFlag: 'n'},
		follow: {type: 'boolean', shortFlag: 'f'},
		json: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		if (input.length > 0) throw new UsageError('tail takes no words.', 'Use --tag TAG for one channel.');
		const tag = tagFlag(flags, 'tag');
		const since = idFlag(flags, 'since', 0);
		const lines = countFlag(flags, 'lines', 0) ?? (since === undefined ? 20 : Infinity);
		const show = (messages: readonly Message[]) =>
			write(stdout, messages.map(message => lineOf(stdout, message, flags['json'] === true)).join(''));
		await withMailbox(invocation, {}, async mailbox => {
			if (flags['follow'] !== true) {
				const messages = await newest(mailbox, tag, since, lines);
				if (tag !== undefined && messages.length === 0) await refuseUnknown(mailbox, tag);
				return show(messages);
			}
			return follow(mailbox, invocation, {tag, since, lines, show});
		});
	},
};

export default command;

/** An empty channel is fine, one that does not exist is a typo. */
async function refuseUnknown(mailbox: Mailbox, tag: Tag): Promise<void> {
	const hint = (await strangers(mailbox, [tag])).get(tag);
	if (hint === undefined || (await mailbox.history({channel: tag, limit: 1})).length > 0) return;
	throw new MailboxError('not_found', `There is no channel ${tag}: nothing was written by it or to it.`, hint);
}

function lineOf(stdout: NodeJS.WriteStream, message: Message, json: boolean): string {
	return json ? `${jsonLine(message)}\n` : messageText(stdout, message);
}

/** The newest `count` messages after `since`, oldest first. */
async function newest(
	mailbox: Mailbox,
	tag: Tag | undefined,
	since: number | undefined,
	count: number,
): Promise<Message[]> {
	let messages: Message[] = [];
	while (messages.length < count) {
		const limit = Math.min(page, count - messages.length);
		const before = messages[0]?.id;
		const older = await mailbox.history({
			limit,
			...(tag === undefined ? {} : {channel: tag}),
			...(since === undefined ? {} : {after: since}),
			...(before === undefined ? {} : {before}),
		});
		messages = [...older, ...messages];
		if (older.length < limit) break;
	}
	return messages;
}

interface Following {
	readonly tag: Tag | undefined;
	readonly since: number | undefined;
	readonly lines: number;
	readonly show: (messages: readonly Message[]) => Promise<void>;
}

/** Listens first, keeps what comes, prints the history, then what came meanwhile and was not in it. Never resolves. */
function follow(mailbox: Mailbox, {stderr}: Invocation, {tag, since, lines, show}: Following): Promise<never> {
	return new Promise((_, reject) => {
		let shown: Set<number> | null = null;
		let waiting: Message[] = [];
		let started = false;
		const accept = (messages: readonly Message[]): void => {
			const fitting = messages.filter(message => tag === undefined || inChannel(message, tag));
			if (shown === null) {
				waiting.push(...fitting);
				return;
			}
			const fresh = fitting.filter(message => shown?.delete(message.id) !== true);
			if (fresh.length > 0) show(fresh).catch(reject);
		};
		const start = async (): Promise<void> => {
			const history = await newest(mailbox, tag, since, lines);
			await show(history);
			// Each comes once live, so each needs to be remembered once; what lies before the subscription never comes.
			shown = new Set(history.map(message => message.id));
			accept(waiting);
			waiting = [];
		};
		const say = connectionRemarks(sentence => remark(stderr, sentence));
		mailbox.subscribe((event: MailboxEvent) => {
			if (event.type === 'messages') accept(event.messages);
			if (event.type !== 'connection') return;
			say(event.connection);
			if ((event.connection.phase === 'catching_up' || event.connection.phase === 'live') && !started) {
				started = true;
				start().catch(reject);
			}
		});
	});
}

/** Says when the connection is lost and when it is back, once each. */
function connectionRemarks(say: (sentence: string) => void): (connection: Connection) => void {
	let lost = false;
	return connection => {
		if (connection.phase === 'offline' && !lost) {
			lost = true;
			say(`Offline: ${connection.reason} Trying again until it is back.`);
		} else if (connection.phase === 'live' && lost) {
			lost = false;
			say('Back; nothing was missed.');
		}
	};
}
