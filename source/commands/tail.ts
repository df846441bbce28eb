import {MailboxError, UsageError} from '../mailbox/error.ts';
import {replacedText, type Connection, type MailboxEvent, type Replaced} from '../mailbox/event.ts';
import {narrowed, type Filter} from '../mailbox/filter.ts';
import {compileFilter} from '../mailbox/filter/filter-match.ts';
import {parseStored} from '../mailbox/filter/filter-parse.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {inChannel, type Message} from '../mailbox/message.ts';
import {RecentMap} from '../mailbox/recent.ts';
import type {Tag} from '../mailbox/tag.ts';
import {joinPrintable, type Printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {HistoryOverlap} from './cli/history-overlap.ts';
import {messageText} from './cli/message-text.ts';
import {jsonLine, remark, write} from './cli/output.ts';
import {keepHeapSmall} from './screen/small-heap.ts';
import {unknownTags} from './cli/unknown-tags.ts';
import {countFlag, idFlag, tagFlag, textFlag} from './cli/values.ts';

const page = 1000;
/** Redactions to remember so that they are not reported again: several times as many as are repeated after a reconnect. */
const maxRedactions = 1000;

const command: Command = {
	summary: 'print messages, and follow new ones',
	help: `
		Print the newest messages, oldest first.

		Usage
		  agentmux tail [--tag TAG] [--filter QUERY] [--since ID | -n N] [--follow] [--json]

		  --tag TAG       only messages that TAG wrote or that are addressed to it
		  --filter QUERY  only messages that match; see \`agentmux search --help\`
		  --since ID      all messages after that one
		  -n, --lines N   print the last N messages (default 20)
		  --follow, -f    keep running and print each new message; a redacted one is printed again
		  --json          print JSON Lines: one message per line, with all columns

		Examples
		  agentmux tail --follow
		  agentmux tail --tag CLAUDE_1 --since 120 --json | jq -r .body
		  agentmux tail -f --filter 'to:HUMAN or is:unverified'
	`,
	flags: {
		tag: {type: 'string'},
		filter: {type: 'string'},
		since: {type: 'string'},
		lines: {type: 'string', shortFlag: 'n'},
		follow: {type: 'boolean', shortFlag: 'f'},
		json: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		if (input.length > 0) throw new UsageError('`agentmux tail` takes no arguments.', 'Use --tag TAG for one channel.');
		const tag = tagFlag(flags, 'tag');
		const query = textFlag(flags, 'filter');
		const filter = query === undefined ? null : parseStored(query, Date.now(), 'See `agentmux search --help`.');
		const since = idFlag(flags, 'since', 0);
		const lines = countFlag(flags, 'lines', 0) ?? (since === undefined ? 20 : Infinity);
		const show = (messages: readonly Message[]) =>
			write(stdout, joinPrintable(messages.map(message => lineOf(stdout, message, flags['json'] === true))));
		await withMailbox(invocation, {}, async mailbox => {
			const wanted: Wanted = {tag, filter, since};
			if (flags['follow'] !== true) {
				const messages = await newest(mailbox, wanted, lines);
				if (tag !== undefined && messages.length === 0) await refuseUnknown(mailbox, tag);
				return show(messages);
			}
			return follow(mailbox, invocation, {...wanted, lines, show});
		});
	},
};

export default command;

/** An empty channel is fine, but a tag that is unknown is a typo. */
async function refuseUnknown(mailbox: Mailbox, tag: Tag): Promise<void> {
	const hint = (await unknownTags(mailbox, [tag])).get(tag);
	if (hint === undefined || (await mailbox.history({channel: tag, limit: 1})).length > 0) return;
	throw new MailboxError('not_found', `There is no channel ${tag}: no message is from it or to it.`, hint);
}

function lineOf(stdout: NodeJS.WriteStream, message: Message, json: boolean): Printable {
	return json ? jsonLine(message) : messageText(stdout, message);
}

interface Wanted {
	readonly tag: Tag | undefined;
	readonly filter: Filter | null;
	/** Only ids above this one. */
	readonly since: number | undefined;
}

/** The newest `count` wanted messages, oldest first. */
async function newest(mailbox: Mailbox, wanted: Wanted, count: number): Promise<Message[]> {
	let messages: Message[] = [];
	while (messages.length < count) {
		const limit = Math.min(page, count - messages.length);
		const older = await olderPage(mailbox, wanted, limit, messages[0]?.id);
		messages = [...older, ...messages];
		if (older.length < limit) break;
	}
	return messages;
}

/** The newest wanted messages below an id, oldest first. */
async function olderPage(
	mailbox: Mailbox,
	{tag, filter, since}: Wanted,
	limit: number,
	below: number | undefined,
): Promise<Message[]> {
	const before = below === undefined ? {} : {before: below};
	if (filter === null) {
		const channel = tag === undefined ? {} : {channel: tag};
		return mailbox.history({limit, ...channel, ...(since === undefined ? {} : {after: since}), ...before});
	}
	const narrow = tag === undefined ? filter : narrowed(filter, {kind: 'tag', tag, not: false});
	const found = await mailbox.search(narrow, {limit, ...before});
	return found.filter(({id}) => id > (since ?? 0)).reverse();
}

interface Following extends Wanted {
	readonly lines: number;
	readonly show: (messages: readonly Message[]) => Promise<void>;
}

/**
 * Subscribes first and buffers events, then prints the history and the buffered messages that were not in it. Never resolves.
 */
async function follow(mailbox: Mailbox, {stderr}: Invocation, wanted: Following): Promise<never> {
	const {tag, filter, lines, show} = wanted;
	const {tag: me} = await mailbox.identity();
	// A new message has not been delivered to anyone yet, so it cannot be stuck.
	const facts = {me, isUnread: () => true, isStuck: () => false};
	const matches = (message: Message): boolean =>
		(tag === undefined || inChannel(message, tag)) &&
		(filter === null || compileFilter(filter, {...facts, now: Date.now()})(message));
	return new Promise((_, reject) => {
		const overlap = new HistoryOverlap();
		/** Null once the history is shown. */
		let waiting: Message[] | null = [];
		let started = false;
		const accept = (messages: readonly Message[]): void => {
			const matching = messages.filter(matches);
			if (waiting !== null) {
				waiting.push(...matching);
				return;
			}
			const fresh = overlap.fresh(matching);
			if (fresh.length > 0) show(fresh).catch(reject);
		};
		const start = async (): Promise<void> => {
			const history = await newest(mailbox, wanted, lines);
			await show(history);
			const fresh = overlap.show(history, waiting ?? []);
			waiting = null;
			keepHeapSmall();
			if (fresh.length > 0) await show(fresh);
		};
		/** Redactions that are old or already reported: the newest are repeated after each reconnect. */
		const redactions = new RecentMap<number, true>(maxRedactions);
		let live = false;
		const replace = (messages: readonly Message[]): void => {
			const fresh = messages.filter(({id}) => !redactions.has(id));
			for (const {id} of messages) redactions.set(id, true);
			const matching = live ? fresh.filter(matches) : [];
			if (matching.length > 0) show(matching).catch(reject);
		};
		const say = connectionRemarks(sentence => remark(stderr, sentence));
		mailbox.subscribe(
			(event: MailboxEvent) => {
				if (event.type === 'messages') accept(event.messages);
				if (event.type === 'redacted') replace(event.messages);
				if (event.type === 'cursor') overlap.pass(event.cursor);
				if (event.type === 'replaced') {
					overlap.clear();
					redactions.clear();
					say.replaced(event);
				}
				if (event.type !== 'connection') return;
				live ||= event.connection.phase === 'live';
				say.connection(event.connection);
				if ((event.connection.phase === 'catching_up' || event.connection.phase === 'live') && !started) {
					started = true;
					start().catch(reject);
				}
			},
			null,
			'messages',
		);
	});
}

/** Reports once when the connection is lost and once when it is back, and when history was replaced. */
function connectionRemarks(say: (sentence: string) => void): {
	readonly connection: (connection: Connection) => void;
	readonly replaced: (replaced: Replaced) => void;
} {
	let lost = false;
	let replaced = false;
	return {
		connection(connection) {
			const {phase} = connection;
			if (phase === 'offline' && !lost) {
				lost = true;
				say(`Offline: ${connection.reason} Retrying.`);
			} else if (phase === 'live') {
				if (lost) say(replaced ? 'Back online.' : 'Back online; nothing was missed.');
				lost = false;
				replaced = false;
			}
		},
		replaced(event) {
			replaced = true;
			say(replacedText(event));
		},
	};
}
