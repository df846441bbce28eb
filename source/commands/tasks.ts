import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Tag} from '../mailbox/tag.ts';
import type {Task} from '../mailbox/task.ts';
import {stallsAmong} from '../mailbox/tasks/stall.ts';
import {briefStanding} from '../mailbox/tasks/task-standing.ts';
import {type Printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {checkFlags, unknownSubcommand} from './cli/subcommand.ts';
import {unknownTags} from './cli/unknown-tags.ts';
import {flagsOf, noMore, taskActions} from './tasks/task-actions.ts';
import {whyNoneReady, whyNotClaimed} from './tasks/task-claim.ts';
import {writeCard} from './tasks/task-card-text.ts';
import {readCard} from './tasks/task-card.ts';
import {idWord, tagFlag} from './cli/values.ts';

const command: Command = {
	summary: 'the shared task board: list, show, add, claim, progress, finish, cancel, retry, assign',
	help: `
		The task board that agents and the human share.

		Usage
		  agentmux tasks [list] [--status S]... [--queue Q] [--owner TAG] [-n N]
		  agentmux tasks show ID
		  agentmux tasks add TITLE [--body TEXT] [--queue Q] [--priority N] [--parent ID] [--position N]
		                           [--depends-on ID]... [--attempts N] [--run-at TIME] [--key KEY] [--message ID]
		                           [--assign TAG]
		  agentmux tasks claim [ID] [--queue Q] [--lease SECONDS]
		  agentmux tasks progress ID FRACTION --token N [--note TEXT]
		  agentmux tasks finish ID --token N [--failed | --dead] [--error TEXT] [--result JSON] [--result-table TABLE]
		  agentmux tasks cancel ID [--reason TEXT]
		  agentmux tasks retry ID [--reason TEXT]
		  agentmux tasks assign ID TAG | --anybody
		  agentmux tasks priority ID N

		  --as TAG      act as that agent (default AGENTMUX_TAG); refused in another agent's program or folder
		  --token N     the token of your claim, as claim printed it; an old one is refused
		  --key KEY     do not add a second task with the same key to the same queue
		  --json        print the row, or the rows as one JSON array

		show prints everything about one task: its text, the steps of a plan, its attempts and its lease, its result with the
		first rows of its table, and its history. With --json the row also has \`steps\`, \`stalled\`, \`attempts_made\`,
		\`events\` and \`rows\`.

		A claim is valid for its lease, and after that until somebody else claims the task. Time in which the machine slept or
		the hub was away does not count, and afterwards its owner has two minutes at least. While an agent's client is at work, its
		MCP server renews what the agent has claimed, for six hours after it last reported progress. Finishing twice with the same outcome has the effect of finishing once.

		After finish --failed the task is tried again, after a pause, as long as it has attempts left; --dead ends it for good.
		A message from SYSTEM tells the author of a task how it ended, and humans if it failed for good. For a plan there is
		one message when it ends, and none for each step.

		claim prefers tasks that are assigned to the agent, in any queue. Without --queue it then takes one from \`default\` or a
		queue in which the agent has claimed before. When a task becomes ready, one idle agent is woken for it.

		retry queues a failed, dead or cancelled task again, and a plan with its steps. assign allows only that agent to claim
		the task. Tasks with a higher priority are claimed first. An agent may cancel, retry, assign and reprioritise only tasks
		that it created, steps of its plans, and tasks that it owns; a human may do so with every task.

		claim prints nothing and exits 0 if no task is ready, or if the task with that ID cannot be claimed.

		The task cannot be claimed before TIME: how long from now (90s, 30m, 2h, 7d), 14:30 (the next one), tomorrow, or a date
		with or without a time (2026-11-20, 2026-11-20T14:30, 2026-11-20T14:30Z).

		Examples
		  agentmux tasks add "Port the parser" --body "see docs/parser.md" --priority 5
		  agentmux tasks claim --as CLAUDE_1
		  agentmux tasks show 7
		  agentmux tasks finish 7 --token 1 --as CLAUDE_1 --result '{"commit": "abc123"}'
	`,
	flags: {
		as: {type: 'string'},
		json: {type: 'boolean'},
		status: {type: 'string', isMultiple: true},
		queue: {type: 'string'},
		owner: {type: 'string'},
		lines: {type: 'string', shortFlag: 'n'},
		body: {type: 'string'},
		priority: {type: 'string'},
		parent: {type: 'string'},
		position: {type: 'string'},
		dependsOn: {type: 'string', isMultiple: true},
		attempts: {type: 'string'},
		runAt: {type: 'string'},
		key: {type: 'string'},
		message: {type: 'string'},
		assign: {type: 'string'},
		anybody: {type: 'boolean'},
		lease: {type: 'string'},
		token: {type: 'string'},
		note: {type: 'string'},
		failed: {type: 'boolean'},
		dead: {type: 'boolean'},
		reason: {type: 'string'},
		error: {type: 'string'},
		result: {type: 'string'},
		resultTable: {type: 'string'},
	},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [name = 'list', ...words] = input;
		const prepare = Object.hasOwn(taskActions, name) ? taskActions[name] : undefined;
		if (prepare === undefined && name !== 'show') throw unknownSubcommand('tasks', name, Object.keys(flagsOf));
		checkFlags('tasks', name, flags, flagsOf);
		if (prepare === undefined) return show(words, invocation);
		const act = prepare(words, flags);
		await withMailbox(invocation, {as: tagFlag(flags, 'as')}, async mailbox => {
			const outcome = await act(mailbox);
			if (name === 'add' || name === 'assign') await warnOfNobody(invocation, mailbox, outcome);
			if (outcome === null && words[0] !== undefined) remark(stderr, await whyNotClaimed(mailbox, words[0]));
			if (flags['json'] === true) return writeJson(stdout, outcome);
			const tasks = outcome === null ? [] : isList(outcome) ? outcome : [outcome];
			const stalls = name === 'list' ? await stallsAmong(mailbox, tasks) : new Map<number, string>();
			if (tasks.length > 0) return write(stdout, taskTable(stdout, tasks, {claimed: name === 'claim', stalls}));
			if (words[0] !== undefined) return;
			remark(stderr, name === 'claim' ? await whyNoneReady(mailbox) : 'No tasks found.');
		});
	},
};

export default command;

async function show([word, ...more]: readonly string[], invocation: Invocation): Promise<void> {
	noMore(more);
	const id = idWord(word, 'task');
	const {flags, stdout} = invocation;
	await withMailbox(invocation, {as: tagFlag(flags, 'as')}, async mailbox => {
		const card = await readCard(mailbox, id);
		await (flags['json'] === true ? writeJson(stdout, card) : writeCard(stdout, card));
	});
}

/** Warns if the task is for an agent that has not joined, which is usually a typo. The task was changed: a failure here is ignored. */
async function warnOfNobody(
	{stderr}: Invocation,
	mailbox: Mailbox,
	outcome: Task | readonly Task[] | null,
): Promise<void> {
	const assignee = outcome === null || isList(outcome) ? null : outcome.assignee;
	if (assignee === null) return;
	const unknown = await unknownTags(mailbox, [assignee]).catch(() => new Map<Tag, string>());
	for (const [tag, hint] of unknown) remark(stderr, `${tag} has not joined yet; the task will wait for it. ${hint}`);
}

function isList(outcome: Task | readonly Task[]): outcome is readonly Task[] {
	return Array.isArray(outcome);
}

function taskTable(
	stdout: NodeJS.WriteStream,
	tasks: readonly Task[],
	{claimed, stalls}: {readonly claimed: boolean; readonly stalls: ReadonlyMap<number, string>},
): Printable {
	const rows = tasks.map(task => {
		const {id, lease_owner, lease_token, assignee, queue, title} = task;
		return [
			`#${id}`,
			...(claimed ? [String(lease_token)] : []),
			`${briefStanding(task)}${stalls.has(id) ? ', stalled' : ''}`,
			lease_owner ?? (assignee === null ? '' : `for ${assignee}`),
			queue,
			title,
		];
	});
	return table(stdout, ['ID', ...(claimed ? ['TOKEN'] : []), 'STATUS', 'OWNER', 'QUEUE', 'TITLE'], rows);
}
