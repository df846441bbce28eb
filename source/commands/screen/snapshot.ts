import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {taskStatuses, type Task} from '../../mailbox/task.ts';
import {stallsAmong} from '../../mailbox/tasks/stall.ts';
import {listStanding, percentOf} from '../../mailbox/tasks/task-standing.ts';
import {joinPrintable, p, printable, withStyle, type Printable} from '../../printable.ts';
import {messageText} from '../cli/message-text.ts';
import {styled, write} from '../cli/output.ts';
import {undelivered} from '../cli/undelivered.ts';

/** Messages shown per channel. */
const newest = 5;
const maxChannels = 30;

/**
 * Prints the current mailbox in plain text: channels with their newest messages, tasks by status, agents. `program` is how the
 * user starts this program.
 */
export async function snapshot(mailbox: Mailbox, stdout: NodeJS.WriteStream, program = 'agentmux'): Promise<void> {
	const [channels, tasks, agents] = await Promise.all([
		mailbox.channels(),
		listStanding(mailbox.tasks),
		mailbox.agents(),
	]);
	const stalls = await stallsAmong({tasks: mailbox.tasks, agents: async () => agents}, tasks);
	const shown = await Promise.all(
		channels.slice(0, maxChannels).map(async ({tag}) => ({
			tag,
			messages: await mailbox.history({channel: tag, limit: newest}),
		})),
	);
	const heading = (text: string) => p`${styled(stdout, 'bold', printable(text))}\n`;
	const written = shown.filter(({messages}) => messages.length > 0);
	const undeliveredLines = await undelivered(
		mailbox,
		stdout,
		written.flatMap(({messages}) => messages),
	);
	const parts = written.map(
		({tag, messages}) =>
			p`${heading(tag)}${joinPrintable(
				messages.map(each => p`${line(stdout, each)}${undeliveredLines.get(each.id) ?? ''}`),
			)}`,
	);
	if (channels.length > maxChannels)
		parts.push(p`${channels.length - maxChannels} more channels: ${printable(program)} tail\n`);
	if (tasks.length > 0) parts.push(p`${heading('TASKS')}${taskLines(tasks, stalls)}`);
	if (agents.length > 0) parts.push(p`${heading('AGENTS')}${joinPrintable(agents.map(agentLine))}`);
	if (parts.length === 0)
		parts.push(p`Nothing here yet. Start with: ${printable(program)} join CLAUDE_1 --dir path/to/project\n`);
	await write(stdout, joinPrintable(parts, '\n'));
}

function line(stdout: NodeJS.WriteStream, message: Message): Printable {
	return withStyle(messageText(stdout, message), text => text.replaceAll(/^(?=.)/gm, '  '));
}

function taskLines(tasks: readonly Task[], stalls: ReadonlyMap<number, string>): Printable {
	const lines = taskStatuses
		.flatMap(status => tasks.filter(task => task.status === status).sort((one, other) => one.id - other.id))
		.map(task => {
			const {id, status, title, lease_owner} = task;
			const owner = lease_owner === null ? '' : p`  ${printable(lease_owner)}`;
			const part = status === 'running' ? p`  ${printable(percentOf(task))}` : '';
			const why = stalls.get(id);
			const stalled = why === undefined ? '' : p`, stalled: ${printable(why)}`;
			return p`  ${p`${status}`.padEnd(9)}  #${id} ${printable(title)}${owner}${part}${stalled}\n`;
		});
	return joinPrintable(lines);
}

function agentLine(agent: Agent): Printable {
	const {tag, role, revoked_at} = agent;
	const focus = agent.focused ? ', focused' : '';
	const presence = agent.paused === null ? p`${presenceOf(agent, Date.now())}${focus}` : 'paused';
	const words = revoked_at === null ? presence : 'revoked';
	return p`  ${printable(tag)}  ${words}${role === null || role === '' ? '' : p`  ${printable(role)}`}\n`;
}
