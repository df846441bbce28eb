import {signatureRemark, type Message} from '../../mailbox/message.ts';
import {foldTag, sameTag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {printable, printableLines} from '../../printable.ts';
import {isWaitingFor, statusOf, waitingForMe} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {layoutOf} from '../current-layout.ts';
import {agentsPane, isChannelPane, tasksPane, welcomePane} from '../pane-id.ts';
import {unreadIn} from '../unread.ts';
import {currentEntry} from '../navigate.ts';
import {agentOrder} from '../panes/agents.ts';
import {lookAlike} from '../panes/look-alike.ts';
import {paneName} from '../panes/header.ts';
import {taskList} from '../panes/task-rows.ts';
import {viewOf, type Ui} from '../ui.ts';
import {clockTime, counted, presenceWords} from '../words.ts';

/** More lines of a message than this are not read out. */
const mostLines = 100;
const tasksShown = 20;

/** A message as sentences: when, who to whom, what; further lines of it are further in, so that none looks like another message. */
export function spoken(state: State, message: Message, now: number): string[] {
	const {tag, author_tag, verified, signed, mentions} = message;
	const me = state.identity?.tag ?? '';
	const by = author_tag !== null && !sameTag(author_tag, tag) ? ` by ${printable(author_tag)}` : '';
	const to = mentions.length > 0 ? ` to ${mentions.map(printable).join(' and ')}` : '';
	const remark = signatureRemark(message);
	const like = lookAlike(state, tag);
	const vouched = `${like === null ? '' : `, not ${printable(like)}`}${verified || signed === true ? '' : ', unverified'}${remark === null ? '' : `, ${remark}`}`;
	const marks = `${vouched}${isWaitingFor(state, message, me) ? ', waiting for you' : ''}`;
	const [first = '', ...more] = printableLines(message.body);
	return [
		`${clockTime(message.created_at, now)} ${printable(tag)}${by}${to}${marks}: ${first}`,
		...more.slice(0, mostLines).map(line => `  ${line}`),
		...(more.length > mostLines ? [`  and ${counted(more.length - mostLines, 'more line')}`] : []),
	];
}

/** Where one is, what is chosen, and how it stands: what changes when a key was pressed. */
export function situation(state: State, ui: Ui, now: number): string[] {
	const {order} = layoutOf(ui);
	const where = `${order.indexOf(ui.focus) + 1} of ${order.length}`;
	if (ui.focus === tasksPane) return [`Tasks, ${where}, ${standing(state)}`, ...taskLines(state, ui)];
	if (ui.focus === welcomePane) {
		return state.loaded
			? [`Nobody has joined yet. ${ui.program} join CLAUDE_1 --dir path/to/project lets an agent take part.`]
			: [printable(ui.opening)];
	}
	if (ui.focus === agentsPane) return [`Agents, ${where}, ${standing(state)}`, ...agentLines(state, ui, now)];
	const name = paneName(state, ui.focus);
	const unread = unreadIn(state, ui.focus);
	const thread = ui.threads.get(ui.focus);
	const kind = isChannelPane(ui.focus) ? 'Channel ' : '';
	const what = thread === undefined ? `${kind}${printable(name)}` : `Thread ${thread} in ${printable(name)}`;
	const lines = [`${what}, ${where}${unread > 0 ? `, ${unread} new` : ''}, ${standing(state)}`];
	if (viewOf(ui, ui.focus).selected === null) return lines;
	const entry = currentEntry(state, ui);
	if (entry?.kind !== 'message') return lines;
	const [head = '', ...body] = spoken(state, entry.message, now);
	return [...lines, `Chosen: ${head}`, ...body];
}

function standing(state: State): string {
	const waiting = waitingForMe(state).length;
	const phase = state.connection.phase.replace('_', ' ');
	return `${phase}${waiting > 0 ? `, ${waiting} waiting for you` : ''}`;
}

function taskLines(state: State, ui: Ui): string[] {
	const {selected} = viewOf(ui, tasksPane);
	const tasks = taskList(state).order;
	if (tasks.length === 0) return ['There are no tasks.'];
	const lines = tasks.slice(0, tasksShown).map(task => {
		return `${String(task.id) === selected ? 'Chosen: ' : ''}${taskWords(state, task)}`;
	});
	return tasks.length > tasksShown ? [...lines, `And ${counted(tasks.length - tasksShown, 'more task')}.`] : lines;
}

function agentLines(state: State, ui: Ui, now: number): string[] {
	const {selected} = viewOf(ui, agentsPane);
	const agents = agentOrder(state, now);
	if (agents.length === 0) return ['Nobody else has joined.'];
	return agents.map(agent => {
		const chosen = foldTag(agent.tag) === selected ? 'Chosen: ' : '';
		const role = agent.role === null ? '' : `, ${printable(agent.role)}`;
		return `${chosen}${printable(agent.tag)}${role}: ${presenceWords(agent, now).words}`;
	});
}

function taskWords(state: State, task: Task): string {
	const owner = task.lease_owner === null ? '' : `, ${printable(task.lease_owner)}`;
	const progress = task.status === 'running' ? `, ${Math.round(task.progress * 100)} percent` : '';
	return `${statusOf(state, task)} #${task.id} ${printable(task.title)}${owner}${progress}`;
}
