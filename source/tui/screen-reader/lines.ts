import {isUrgent, signatureRemark, type Message} from '../../mailbox/message.ts';
import {readableBody} from '../../mailbox/redaction.ts';
import {foldTag, sameTag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {joinPrintable, p, printable, printableLines, type Printable} from '../../printable.ts';
import {isWaitingFor, statusOf, waitingForMe} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {agentsPane, isChannelPane, tasksPane, welcomePane} from '../model/pane-id.ts';
import {unreadIn} from '../model/unread.ts';
import {currentEntry} from '../panes/navigate.ts';
import {agentOrder} from '../panes/agents.ts';
import {lookAlikeOf} from '../panes/look-alike.ts';
import {paneName} from '../panes/header.ts';
import {taskList} from '../panes/task-rows.ts';
import {viewOf, type Ui} from '../model/ui.ts';
import {clockTime, counted, presenceWords} from '../settings/words.ts';

/** How many lines of a message are read out. */
const maxLines = 100;
const maxTasks = 20;

/** A message as sentences: time, tag, mentions, body. Further lines are indented, so that none looks like another message. */
export function messageSentences(state: State, message: Message, now: number): Printable[] {
	const {tag, author_tag, verified, signed, mentions} = message;
	const me = state.identity?.tag ?? '';
	const by = author_tag !== null && !sameTag(author_tag, tag) ? p` by ${printable(author_tag)}` : '';
	const to = mentions.length > 0 ? p` to ${joinPrintable(mentions.map(printable), ' and ')}` : '';
	const remark = signatureRemark(message);
	// Only exceptions are read out.
	const proof = remark === null || remark === 'signed' ? '' : p`, ${remark}`;
	const like = lookAlikeOf(state, tag);
	const vouched = p`${like === null ? '' : p`, not ${printable(like)}`}${verified || signed === true ? '' : ', unverified'}${proof}`;
	const marks = p`${isUrgent(message) ? ', urgent' : ''}${vouched}${isWaitingFor(state, message, me) ? ', waiting for you' : ''}`;
	const [first = p``, ...more] = printableLines(readableBody(message));
	return [
		p`${clockTime(message.created_at, now)} ${printable(tag)}${by}${to}${marks}: ${first}`,
		...more.slice(0, maxLines).map(line => p`  ${line}`),
		...(more.length > maxLines ? [p`  and ${counted(more.length - maxLines, 'more line')}`] : []),
	];
}

/** The focused pane, the status and the selection: what a key press can change. */
export function currentLines(state: State, ui: Ui, now: number): Printable[] {
	const {order} = layoutOf(ui);
	const where = p`${order.indexOf(ui.focus) + 1} of ${order.length}`;
	if (ui.focus === tasksPane) return [p`Tasks, ${where}, ${statusWords(state)}`, ...taskLines(state, ui)];
	if (ui.focus === welcomePane) {
		return state.loaded
			? [p`No agent has joined yet. To let one join, run ${printable(ui.program)} join CLAUDE_1 --dir path/to/project.`]
			: [printable(ui.opening)];
	}
	if (ui.focus === agentsPane) return [p`Agents, ${where}, ${statusWords(state)}`, ...agentLines(state, ui, now)];
	const name = paneName(state, ui.focus);
	const unread = unreadIn(state, ui.focus);
	const thread = ui.threads.get(ui.focus);
	const kind = isChannelPane(ui.focus) ? 'Channel ' : '';
	const what = thread === undefined ? p`${kind}${printable(name)}` : p`Thread ${thread} in ${printable(name)}`;
	const lines = [p`${what}, ${where}${unread > 0 ? p`, ${unread} new` : ''}, ${statusWords(state)}`];
	if (viewOf(ui, ui.focus).selected === null) return lines;
	const entry = currentEntry(state, ui);
	if (entry?.kind !== 'message') return lines;
	const [head = p``, ...body] = messageSentences(state, entry.message, now);
	return [...lines, p`Selected: ${head}`, ...body];
}

function statusWords(state: State): Printable {
	const waiting = waitingForMe(state).length;
	const phase = printable(state.connection.phase.replace('_', ' '));
	const asking = state.approvals.length;
	const asks = asking > 0 ? p`, ${counted(asking, 'agent request')} for permission` : '';
	return p`${phase}${asks}${waiting > 0 ? p`, ${waiting} waiting for you` : ''}`;
}

function taskLines(state: State, ui: Ui): Printable[] {
	const {selected} = viewOf(ui, tasksPane);
	const tasks = taskList(state).order;
	if (tasks.length === 0) return [p`There are no tasks.`];
	const lines = tasks.slice(0, maxTasks).map(task => {
		return p`${String(task.id) === selected ? 'Selected: ' : ''}${taskWords(state, task)}`;
	});
	return tasks.length > maxTasks ? [...lines, p`And ${counted(tasks.length - maxTasks, 'more task')}.`] : lines;
}

function agentLines(state: State, ui: Ui, now: number): Printable[] {
	const {selected} = viewOf(ui, agentsPane);
	const agents = agentOrder(state, now);
	if (agents.length === 0) return [p`No agent has joined.`];
	return agents.map(agent => {
		const chosen = foldTag(agent.tag) === selected ? 'Selected: ' : '';
		const role = agent.role === null ? '' : p`, ${printable(agent.role)}`;
		return p`${chosen}${printable(agent.tag)}${role}: ${presenceWords(agent, now).words}`;
	});
}

function taskWords(state: State, task: Task): Printable {
	const owner = task.lease_owner === null ? '' : p`, ${printable(task.lease_owner)}`;
	const progress = task.status === 'running' ? p`, ${Math.round(task.progress * 100)} percent` : '';
	return p`${statusOf(state, task)} #${task.id} ${printable(task.title)}${owner}${progress}`;
}
