import {UsageError} from '../mailbox/error.ts';
import {p, printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {openSql} from './connect/connect.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {tagFlag} from './cli/values.ts';
import {watchedTables} from './join/watched.ts';

const command: Command = {
	summary: 'post a message whenever a table changes',
	help: `
		From now on, every statement that changes rows of TABLE posts a message from SYSTEM that is addressed to TAG. It shows
		the row, or of several rows their number and the first ten.

		Usage
		  agentmux watch                        what is watched
		  agentmux watch TABLE --to TAG
		  agentmux watch TABLE --to TAG --off   no longer

		  --to TAG      who should act on it
		  --off         end what was set up
		  --json        print it as JSON

		Examples
		  agentmux watch orders --to RESPONDER
		  agentmux watch orders --to RESPONDER --off
	`,
	flags: {to: {type: 'string'}, off: {type: 'boolean'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [name, ...more] = input;
		const to = tagFlag(flags, 'to');
		const off = flags['off'] === true;
		if (name === undefined && to === undefined && !off) return list(invocation);
		if (name === undefined || more.length > 0) throw new UsageError('Give one table.', 'See `agentmux watch --help`.');
		if (to === undefined) {
			throw new UsageError(
				'--to is missing.',
				`Use --to TAG: agentmux watch ${name} --to RESPONDER${off ? ' --off' : ''}`,
			);
		}
		const call = `${off ? 'unwatch_table' : 'watch_table'}(${literal(name)}, ${literal(to)})`;
		const run = await openSql(invocation);
		const [row] = await run(`select ${call} as ended`);
		const ended = row?.['ended'] === true;
		if (flags['json'] === true) return writeJson(stdout, off ? {table: name, to, ended} : {table: name, to});
		if (!off) return write(stdout, p`Every change in ${printable(name)} is now a message to ${printable(to)}.\n`);
		if (ended) return write(stdout, p`Changes in ${printable(name)} are no longer told to ${printable(to)}.\n`);
		return remark(stderr, `${name} was not watched for ${to}; nothing was changed. \`agentmux watch\` lists what is.`);
	},
};

export default command;

async function list(invocation: Invocation): Promise<void> {
	const {flags, stdout, stderr} = invocation;
	const rows = await watchedTables(await openSql(invocation));
	if (flags['json'] === true) return writeJson(stdout, rows);
	if (rows.length === 0) return remark(stderr, 'No table is watched: `agentmux watch TABLE --to TAG` does so.');
	return write(
		stdout,
		table(
			stdout,
			['TABLE', 'TO'],
			rows.map(({table, to}) => [table, to]),
		),
	);
}

/** Read alike whatever standard_conforming_strings says. */
function literal(text: string): string {
	return `E'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", "''")}'`;
}
