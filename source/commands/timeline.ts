import {goneAt} from '../mailbox/agent.ts';
import {UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {PresenceChange, StateChange, TaskChange} from '../mailbox/state-change.ts';
import {percentOf} from '../mailbox/tasks/task-standing.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageLines, timeOf} from './cli/message-text.ts';
import {jsonLine, remark, styled, write} from './cli/output.ts';
import {timeFlag} from './cli/values.ts';

const page = 1000;

type Happening =
	| ({readonly type: 'message'; readonly at: string} & Message)
	| ({readonly type: 'task'; readonly title: string | null} & Omit<TaskChange, 'kind'>)
	| ({readonly type: 'presence'} & Omit<PresenceChange, 'kind'>);

const command: Command = {
	summary: 'print what happened when: messages, tasks, presence',
	help: `
		Look back: messages, how tasks went, and what agents did, in the order in which it happened.

		Usage
		  agentmux timeline [--since TIME] [--until TIME] [--json]

		  --since TIME  from then on (default 2h)
		  --until TIME  before that (default: now)
		  --json        JSON Lines: one event a line, each with its type (message, task, presence) and at

		TIME is how long ago (90s, 30m, 2h, 7d), the last time that it was 14:30, today, yesterday, or a date with or without
		a time (2026-11-20, 2026-11-20T14:30, 2026-11-20T14:30Z). How tasks and agents stood is kept for 30 days.

		Examples
		  agentmux timeline --since 30m
		  agentmux timeline --since 2026-11-20 --until 2026-11-21 --json | jq -r 'select(.type == "task")'
	`,
	flags: {since: {type: 'string'}, until: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		if (input.length > 0)
			throw new UsageError('`agentmux timeline` takes no arguments.', 'Use --since TIME and --until TIME.');
		const now = Date.now();
		const since = timeFlag(flags, 'since', 'past', now) ?? now - 2 * 3_600_000;
		const until = timeFlag(flags, 'until', 'past', now) ?? Infinity;
		if (since >= until) throw new UsageError('--since is not before --until.', 'Give an earlier --since.');
		await withMailbox(invocation, {}, async mailbox => {
			const happenings = await whatHappened(mailbox, since, until, now);
			if (flags['json'] === true) return write(stdout, joinPrintable(happenings.map(jsonLine)));
			if (happenings.length === 0) return remark(stderr, 'Nothing happened in that time.');
			return write(stdout, joinPrintable(happenings.map(each => textOf(stdout, each))));
		});
	},
};

export default command;

/** Everything from `since` until before `until` (milliseconds since 1970), in order; of one time messages come first. */
async function whatHappened(mailbox: Mailbox, since: number, until: number, now: number): Promise<Happening[]> {
	const isIn = (at: string): boolean => Date.parse(at) >= since && Date.parse(at) < until;
	const [messages, changes, agents] = await Promise.all([
		messagesSince(mailbox, since),
		changesSince(mailbox, since, until),
		mailbox.agents(),
	]);
	// That an agent is gone is written down when it comes back.
	const gone = agents.flatMap((agent): StateChange[] => {
		const at = agent.revoked_at === null ? goneAt(agent) : null;
		if (at === null || at > now) return [];
		return [{id: 0, kind: 'presence', at: new Date(at).toISOString(), tag: agent.tag, state: 'gone'}];
	});
	const told = [...changes, ...gone].filter(({at}) => isIn(at));
	const titles = await titlesOf(mailbox, told);
	const happenings: Happening[] = [
		...messages.filter(({created_at}) => isIn(created_at)).map(toMessage),
		...told.map((change): Happening => {
			if (change.kind === 'presence') {
				const {kind: type, ...rest} = change;
				return {type, ...rest};
			}
			const {kind: type, ...rest} = change;
			return {type, title: titles.get(change.task_id) ?? null, ...rest};
		}),
	];
	return happenings.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function toMessage(message: Message): Happening {
	return {type: 'message', at: message.created_at, ...message};
}

/** In pages backwards: what is wanted is mostly new. */
async function messagesSince(mailbox: Mailbox, since: number): Promise<Message[]> {
	const pages: Message[][] = [];
	for (let before = Infinity; ;) {
		const messages = await mailbox.history({limit: page, ...(before === Infinity ? {} : {before})});
		pages.unshift(messages);
		const [oldest] = messages;
		if (oldest === undefined || messages.length < page || Date.parse(oldest.created_at) < since) return pages.flat();
		before = oldest.id;
	}
}

async function changesSince(mailbox: Mailbox, since: number, until: number): Promise<StateChange[]> {
	const from = new Date(since).toISOString();
	let changes = await mailbox.changes({
		from,
		limit: page,
		...(until === Infinity ? {} : {to: new Date(until).toISOString()}),
	});
	const all = [...changes];
	while (changes.filter(({at}) => Date.parse(at) >= since).length >= page) {
		const [before] = changes;
		if (before === undefined) break;
		changes = await mailbox.changes({from, before, limit: page});
		all.unshift(...changes);
	}
	return all;
}

async function titlesOf(mailbox: Mailbox, changes: readonly StateChange[]): Promise<ReadonlyMap<number, string>> {
	const ids = [...new Set(changes.flatMap(change => (change.kind === 'task' ? [change.task_id] : [])))];
	const titles = new Map<number, string>();
	for (let at = 0; at < ids.length; at += 100) {
		const some = ids.slice(at, at + 100);
		for (const {id, title} of await mailbox.tasks.list({ids: some, limit: some.length})) titles.set(id, title);
	}
	return titles;
}

const presenceWords: {readonly [State in PresenceChange['state']]: Printable} = {
	working: p`in a turn`,
	idle: p`idle`,
	blocked: p`blocked`,
	away: p`away`,
	gone: p`gone: no sign of life`,
	revoked: p`revoked`,
};

function textOf(stdout: NodeJS.WriteStream, happening: Happening): Printable {
	const time = styled(stdout, 'dim', timeOf(happening.at));
	const tag = happening.tag === null ? '' : p`${styled(stdout, 'bold', printable(happening.tag))}  `;
	switch (happening.type) {
		case 'message':
			return messageLines(stdout, happening, time);
		case 'task': {
			const {task_id, state, progress, title} = happening;
			const part = state === 'running' && progress > 0 ? p` ${printable(percentOf(happening))}` : '';
			return p`${time}  ${tag}task #${task_id} ${state}${part}${title === null ? '' : p`  ${printable(title)}`}\n`;
		}
		case 'presence':
			return p`${time}  ${tag}${styled(stdout, 'dim', presenceWords[happening.state])}\n`;
	}
}
