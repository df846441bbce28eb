import {goneAt} from '../mailbox/agent.ts';
import {UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {ChangeQuery, ControlChange, PresenceChange, StateChange, TaskChange} from '../mailbox/state-change.ts';
import {percentOf} from '../mailbox/tasks/task-standing.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageLines, timeOf} from './cli/message-text.ts';
import {jsonLine, remark, styled, write} from './cli/output.ts';
import {timeFlag} from './cli/values.ts';

const page = 1000;

type TimelineEvent =
	| ({readonly type: 'message'; readonly at: string} & Message)
	| ({readonly type: 'task'; readonly title: string | null} & Omit<TaskChange, 'kind'>)
	| ({readonly type: 'presence'} & Omit<PresenceChange, 'kind'>)
	| ({readonly type: ControlChange['kind']} & Omit<ControlChange, 'kind'>);

const command: Command = {
	summary: 'print what happened and when: messages, tasks, presence, approvals, pauses',
	help: `
		Print messages, changes of tasks, what agents did and asked to do, and pauses, in the order in which they happened.

		Usage
		  agentmux timeline [--since TIME] [--until TIME] [--json]

		  --since TIME  start at TIME (default 2h)
		  --until TIME  end before TIME (default: now)
		  --json        print JSON Lines: one event per line, each with \`type\` (message, task, presence, approval, pause) and
		                \`at\`

		TIME is how long ago (90s, 30m, 2h, 7d), 14:30 (the last one), today, yesterday, or a date with or without a time
		(2026-11-20, 2026-11-20T14:30, 2026-11-20T14:30Z). All but messages is kept for 30 days.

		Examples
		  agentmux timeline --since 30m
		  agentmux timeline --since 2026-11-20 --until 2026-11-21 --json | jq -r 'select(.type == "task")'
	`,
	flags: {since: {type: 'string'}, until: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		if (input.length > 0)
			throw new UsageError('`agentmux timeline` takes no arguments.', 'Use --since TIME and --until TIME.');
		const now = Date.now();
		const since = timeFlag(flags, 'since', 'past', now) ?? now - 2 * 3_600_000;
		const until = timeFlag(flags, 'until', 'past', now) ?? Infinity;
		if (since >= until) throw new UsageError('--since is not before --until.', 'Give an earlier --since.');
		await withMailbox(invocation, {}, async mailbox => {
			const events = await eventsBetween(mailbox, since, until, now);
			if (flags['json'] === true) return write(stdout, joinPrintable(events.map(jsonLine)));
			if (events.length === 0) return remark(invocation.stderr, 'Nothing happened in that period.');
			return write(stdout, joinPrintable(events.map(each => textOf(stdout, each))));
		});
	},
};

export default command;

/** Everything from `since` until before `until` (milliseconds since 1970), in order; at the same time, messages come first. */
async function eventsBetween(mailbox: Mailbox, since: number, until: number, now: number): Promise<TimelineEvent[]> {
	const isIn = (at: string): boolean => Date.parse(at) >= since && Date.parse(at) < until;
	const [messages, changes, controls, agents] = await Promise.all([
		messagesSince(mailbox, since),
		changesSince(query => mailbox.changes(query), since, until),
		changesSince(query => mailbox.controlChanges(query), since, until),
		mailbox.agents(),
	]);
	// The database records that an agent was gone only when it comes back.
	const gone = agents.flatMap((agent): StateChange[] => {
		const at = agent.revoked_at === null ? goneAt(agent) : null;
		if (at === null || at > now) return [];
		return [{id: 0, kind: 'presence', at: new Date(at).toISOString(), tag: agent.tag, state: 'gone'}];
	});
	const shown = [...changes, ...gone].filter(({at}) => isIn(at));
	const titles = await titlesOf(mailbox, shown);
	const events: TimelineEvent[] = [
		...messages.filter(({created_at}) => isIn(created_at)).map(toMessage),
		...shown.map((change): TimelineEvent => {
			if (change.kind === 'presence') {
				const {kind: type, ...rest} = change;
				return {type, ...rest};
			}
			const {kind: type, ...rest} = change;
			return {type, title: titles.get(change.task_id) ?? null, ...rest};
		}),
	];
	events.push(...controls.filter(({at}) => isIn(at)).map(({kind: type, ...rest}) => ({type, ...rest})));
	return events.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function toMessage(message: Message): TimelineEvent {
	return {type: 'message', at: message.created_at, ...message};
}

/** Reads pages backwards, since usually the newest are wanted. */
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

async function changesSince<T extends StateChange | ControlChange>(
	read: (query: ChangeQuery) => Promise<T[]>,
	since: number,
	until: number,
): Promise<T[]> {
	const from = new Date(since).toISOString();
	let changes = await read({
		from,
		limit: page,
		...(until === Infinity ? {} : {to: new Date(until).toISOString()}),
	});
	const all = [...changes];
	while (changes.filter(({at}) => Date.parse(at) >= since).length >= page) {
		const [before] = changes;
		if (before === undefined) break;
		changes = await read({from, before, limit: page});
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

function textOf(stdout: NodeJS.WriteStream, event: TimelineEvent): Printable {
	const time = styled(stdout, 'dim', timeOf(event.at));
	const tag = event.tag === null ? '' : p`${styled(stdout, 'bold', printable(event.tag))}  `;
	switch (event.type) {
		case 'message':
			return messageLines(stdout, event, time);
		case 'task': {
			const {task_id, state, progress, title} = event;
			const part = state === 'running' && progress > 0 ? p` ${printable(percentOf(event))}` : '';
			return p`${time}  ${tag}task #${task_id} ${state}${part}${title === null ? '' : p`  ${printable(title)}`}\n`;
		}
		case 'presence':
			return p`${time}  ${tag}${styled(stdout, 'dim', presenceWords[event.state])}\n`;
		case 'approval':
			return p`${time}  ${tag}${approvalText(event)}\n`;
		case 'pause':
			return p`${time}  ${tag}${printable(event.state)}${byWhom(event)}\n`;
	}
}

function approvalText(event: Pick<ControlChange, 'approval_id' | 'state' | 'reason'>): Printable {
	const request = p`request #${event.approval_id ?? 0}`;
	switch (event.state) {
		case 'waiting':
			return p`asks for permission: ${printable(event.reason ?? '')}  ${request}`;
		case 'taken':
			return p`has the answer to ${request}`;
		case 'terminal':
			return p`${request} answered in its terminal`;
		case 'expired':
			return p`${request} expired: nobody answered`;
		default:
			return p`${request} ${printable(event.state)}${byWhom(event)}`;
	}
}

/** Who did it, and why: ` by HUMAN: lunch`. */
function byWhom({reason}: Pick<ControlChange, 'reason'>): Printable {
	return reason === null || reason === '' ? p`` : p` by ${printable(reason)}`;
}
