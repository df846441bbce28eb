import {UsageError} from '../mailbox/error.ts';
import {p, printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {openSql} from './connect/owner.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {tagFlag} from './cli/values.ts';
import {watchedTables} from './join/watched.ts';

const command: Command = {
	summary: 'post a message whenever a table changes',
	help: `
		After this, every statement that changes rows of TABLE posts a message from SYSTEM to TAG. It shows the row, or, if
		there are several, their number and the first ten.

		Usage
		  agentmux watch                        list the watched tables
		  agentmux watch TABLE --to TAG
		  agentmux watch TABLE --to TAG --off   stop watching

		  --to TAG      the agent that gets the messages
		  --off         stop watching
		  --json        print JSON

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
			throw new UsageError('--to is missing.', `Example: agentmux watch ${name} --to RESPONDER${off ? ' --off' : ''}`);
		}
		const call = `${off ? 'unwatch_table' : 'watch_table'}(${literal(name)}, ${literal(to)})`;
		const run = await openSql(invocation);
		const [row] = await run(`select ${call} as ended`);
		const ended = row?.['ended'] === true;
		if (flags['json'] === true) return writeJson(stdout, off ? {table: name, to, ended} : {table: name, to});
		if (!off) return write(stdout, p`${printable(to)} now gets a message for every change in ${printable(name)}.\n`);
		if (ended) return write(stdout, p`${printable(to)} no longer gets messages for changes in ${printable(name)}.\n`);
		return remark(
			stderr,
			`${name} was not watched for ${to}; nothing was changed. \`agentmux watch\` lists the watched tables.`,
		);
	},
};

export default command;

async function list(invocation: Invocation): Promise<void> {
	const {flags, stdout, stderr} = invocation;
	const rows = await watchedTables(await openSql(invocation));
	if (flags['json'] === true) return writeJson(stdout, rows);
	if (rows.length === 0) return remark(stderr, 'No table is watched. Use `agentmux watch TABLE --to TAG`.');
	return write(
		stdout,
		table(
			stdout,
			['TABLE', 'TO'],
			rows.map(({table, to}) => [table, to]),
		),
	);
}

/** A string constant that does not depend on standard_conforming_strings. */
function literal(text: string): string {
	return `E'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", "''")}'`;
}
