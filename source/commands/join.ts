import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {loadConfig} from '../config.ts';
import {diffLines} from '../join/diff.ts';
import {apply, planJoin, type Edit} from '../join/mcp-file.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {printable} from '../printable.ts';
import type {Command} from './command.ts';
import {withMailbox} from './connect.ts';
import {calledAs, findLauncher} from './launcher.ts';
import {remark, write} from './output.ts';
import {agentTag, textFlag} from './values.ts';

const command: Command = {
	summary: 'let the agent in a folder take part',
	help: `
		Write a folder's .mcp.json so that the Claude terminal started there takes part as TAG: it gets its mailbox
		(\`agentmux\`) and the stock Supabase MCP server (\`supabase\`). What else the file holds stays as it is.

		Usage
		  agentmux join TAG [--dir DIR] [--role ROLE] [--print]

		  --dir DIR     the folder (the current one when absent)
		  --role ROLE   what this agent does, for the others to see
		  --print       show what would change, and change nothing

		Examples
		  agentmux join CLAUDE_1 --dir ~/project --role "writes the parser"
		  agentmux join CLAUDE_TWIN --dir ~/project-twin
	`,
	flags: {dir: {type: 'string'}, role: {type: 'string'}, print: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, env, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0) throw new UsageError('One tag at a time.', 'See `agentmux join --help`.');
		const tag = agentTag(word, 'the tag to join as');
		const role = textFlag(flags, 'role');
		const folder = await existingFolder(resolve(textFlag(flags, 'dir') ?? '.'));
		const {target} = await loadConfig({env});
		const launcher = await findLauncher(env);
		const edit = await planJoin(folder, tag, launcher);
		for (const sentence of edit.remarks) remark(stderr, sentence);
		if (flags['print'] === true) return write(stdout, preview(edit));
		// First the row, then the file: when the hub cannot be reached, nothing has changed.
		await withMailbox(invocation, {as: tag, kind: 'agent'}, mailbox => mailbox.touch(role === undefined ? {} : {role}));
		await apply(edit);
		const what = edit.after === edit.before ? 'had its place already in' : 'has its place in';
		const hosted = target.kind === 'supabase' && env['SUPABASE_URL'] !== undefined;
		return write(
			stdout,
			[
				`${tag} ${what} ${printable(edit.file)}.`,
				'',
				'Start its terminal, and allow the servers when it asks:',
				`  cd ${shellWord(folder)} && claude`,
				'Watch, and join in:',
				`  ${calledAs(env)}`,
				...(hosted ? ['Start both where SUPABASE_URL and its key are set: the file does not hold them.'] : []),
				'',
			].join('\n'),
		);
	},
};

export default command;

async function existingFolder(folder: string): Promise<string> {
	const found = await stat(folder).catch(() => null);
	if (found?.isDirectory() === true) return folder;
	throw new MailboxError('not_found', `There is no folder ${folder}.`, 'Make it, or name another with --dir DIR.');
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
	return printable(/^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
}

function preview({file, before, after}: Edit): string {
	const lines = diffLines(before ?? '', after ?? '');
	if (lines.length === 0) return `${printable(file)} stays as it is.\n`;
	return [`${printable(file)}${before === null ? ' (new)' : ''}`, ...lines.map(printable), ''].join('\n');
}
