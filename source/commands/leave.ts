import {realpath} from 'node:fs/promises';
import {relative, resolve} from 'node:path';
import {loadConfig} from '../config.ts';
import {applyAll, checkWritable} from '../join/file-edit.ts';
import {planUnfolder} from '../join/folder.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {printable} from '../printable.ts';
import type {Command} from './command.ts';
import {withMailbox} from './connect.ts';
import {remark, write} from './output.ts';
import {agentTag, textFlag} from './values.ts';

const command: Command = {
	summary: 'undo join',
	help: `
		Take out of a folder's files what \`agentmux join TAG\` wrote, and nothing else. Messages stay.

		Usage
		  agentmux leave TAG [--dir DIR]

		  --dir DIR     the folder (the current one when absent); it need not be there any more

		Example
		  agentmux leave CLAUDE_1 --dir ~/project
	`,
	flags: {dir: {type: 'string'}},
	async run(invocation) {
		const {input, flags, env, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0) throw new UsageError('One tag at a time.', 'See `agentmux leave --help`.');
		const tag = agentTag(word, 'the tag that leaves');
		const {places} = await loadConfig({env});
		const named = resolve(textFlag(flags, 'dir') ?? '.');
		const folder = await realpath(named).catch(() => named);
		const edits = await planUnfolder(places.data, folder, tag);
		for (const sentence of edits.flatMap(({remarks}) => remarks)) remark(stderr, sentence);
		const changed = edits.filter(({before, after}) => before !== after);
		if (changed.length === 0) return remark(stderr, `${tag} has no place in ${folder}; nothing was changed.`);
		await checkWritable(edits);
		await applyAll(edits);
		const gone = changed
			.filter(({after, mode}) => after === null && mode === undefined)
			.map(({file}) => relative(folder, file));
		await write(
			stdout,
			`${tag} has left ${printable(folder)}.${gone.length === 0 ? '' : ` What held nothing else is gone: ${gone.join(', ')}.`}\n`,
		);
		try {
			await withMailbox(invocation, {as: tag, kind: 'agent'}, mailbox => mailbox.touch({presence: 'away'}));
		} catch (error) {
			if (!(error instanceof MailboxError)) throw error;
			// It has left; the others see for a few minutes yet that it is there.
			remark(stderr, `The others were not told: ${error.message}`);
		}
	},
};

export default command;
