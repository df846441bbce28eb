import {cutText} from '../../mailbox/text/excerpt.ts';
import {UsageError} from '../../mailbox/error.ts';
import {isUrgent} from '../../mailbox/message.ts';
import {p, printable} from '../../printable.ts';
import type {Command, Invocation} from '../cli/command.ts';
import {timeOf} from '../cli/message-text.ts';
import {remark, table, write, writeJson} from '../cli/output.ts';
import {unknownSubcommand} from '../cli/subcommand.ts';
import {idWord} from '../cli/values.ts';
import {withMailbox} from '../connect/connect.ts';

const command: Command = {
	summary: 'list and cancel messages that are to be sent later',
	help: `
		List the messages that were written with \`agentmux send --at\` or \`--in\` and are not sent yet, or cancel one.

		Usage
		  agentmux scheduled [list]
		  agentmux scheduled cancel ID

		  --json   print the row, or the rows as one JSON array

		A running hub sends each when it is due, within five seconds; on a project without a hub, the server of any agent does, within a
		minute. What could not be sent stays in the list, with the reason.

		Examples
		  agentmux send --to CLAUDE_1 --in 30m "how far are you?"
		  agentmux scheduled
		  agentmux scheduled cancel 3
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const [action = 'list', ...words] = invocation.input;
		if (action === 'list') return list(invocation, words);
		if (action === 'cancel') return cancel(invocation, words);
		throw unknownSubcommand('scheduled', action, ['list', 'cancel']);
	},
};

export default command;

async function list(invocation: Invocation, words: readonly string[]): Promise<void> {
	checkCount(words, 0);
	const {flags, stdout, stderr} = invocation;
	await withMailbox(invocation, {}, async mailbox => {
		const scheduled = await mailbox.scheduled.list();
		if (flags['json'] === true) return writeJson(stdout, scheduled);
		if (scheduled.length === 0) return remark(stderr, 'No message is to be sent later.');
		const rows = scheduled.map(each => [
			String(each.id),
			timeOf(each.due_at),
			[...(isUrgent(each) ? ['urgent'] : []), ...(each.failed === null ? [] : [`not sent: ${each.failed}`])].join(', '),
			cutText(each.content.replaceAll(/\s+/g, ' '), 80),
		]);
		const anyState = rows.some(([, , state]) => state !== '');
		const shown = anyState ? rows : rows.map(([id = '', due = '', , text = '']) => [id, due, text]);
		await write(stdout, table(stdout, ['ID', 'DUE', ...(anyState ? ['STATE'] : []), 'MESSAGE'], shown));
	});
}

async function cancel(invocation: Invocation, [word, ...more]: readonly string[]): Promise<void> {
	checkCount(more, 0);
	const id = idWord(word, 'scheduled message');
	const {flags, stdout} = invocation;
	await withMailbox(invocation, {}, async mailbox => {
		const cancelled = await mailbox.scheduled.cancel(id);
		if (flags['json'] === true) return writeJson(stdout, cancelled);
		await write(stdout, p`Scheduled message ${id} is cancelled: ${printable(cutText(cancelled.content, 60))}\n`);
	});
}

function checkCount(words: readonly string[], most: number): void {
	if (words.length > most)
		throw new UsageError(`Unexpected argument \`${words[most]}\`.`, 'See `agentmux scheduled --help`.');
}
