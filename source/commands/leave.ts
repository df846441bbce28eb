import {resolve} from 'node:path';
import {apply, planLeave} from '../join/mcp-file.ts';
import {UsageError} from '../mailbox/error.ts';
import {printable} from '../printable.ts';
import type {Command} from './command.ts';
import {withMailbox} from './connect.ts';
import {remark, write} from './output.ts';
import {agentTag, textFlag} from './values.ts';

const command: Command = {
	summary: 'undo join',
	help: `
		Take out of a folder's .mcp.json what \`agentmux join TAG\` wrote, and nothing else. Messages stay.

		Usage
		  agentmux leave TAG [--dir DIR]

		  --dir DIR     the folder (the current one when absent)

		Example
		  agentmux leave CLAUDE_1 --dir ~/project
	`,
	flags: {dir: {type: 'string'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0) throw new UsageError('One tag at a time.', 'See `agentmux leave --help`.');
		const tag = agentTag(word, 'the tag that leaves');
		const edit = await planLeave(resolve(textFlag(flags, 'dir') ?? '.'), tag);
		if (edit.before === edit.after) return remark(stderr, `${tag} has no place in ${edit.file}; nothing was changed.`);
		await apply(edit);
		await write(
			stdout,
			`${tag} has left: ${printable(edit.file)} ${edit.after === null ? 'is gone, it held nothing else' : 'holds it no more'}.\n`,
		);
		return withMailbox(invocation, {as: tag, kind: 'agent'}, async mailbox => {
			await mailbox.touch({presence: 'away'});
		});
	},
};

export default command;
