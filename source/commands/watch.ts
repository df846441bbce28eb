import {UsageError} from '../mailbox/error.ts';
import {p, printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {openSql} from './connect/owner.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {tagFlag, textFlag} from './cli/values.ts';
import {watchedTables, type Watched} from './join/watched.ts';

const kinds = ['insert', 'update', 'delete', 'truncate'];

const command: Command = {
	summary: 'turn the changes of a table into messages',
	help: `
		After this, changes of TABLE become messages from SYSTEM to TAG. A message says how many rows were inserted, updated
		and deleted and by whom, and shows the first ten; for an update, also the values before it. The first change is sent at
		once. Those of the next two seconds become one message, and while changes keep coming, a message is sent less and less
		often, down to one in 32 seconds. TAG gets neither its own changes nor updates that change nothing.

		Messages show the columns that agents may read (granted to the role \`authenticated\`). If agents may not read all rows,
		because of row level security, messages only count the changes. With --columns, you decide: the columns that you name
		are shown to every reader of the mailbox, whatever the table's rights are.

		Usage
		  agentmux watch                        list the watched tables
		  agentmux watch TABLE --to TAG
		  agentmux watch TABLE --to TAG --off   stop watching

		  --to TAG          the agent that gets the messages
		  --on KINDS        only these changes: insert, update, delete, truncate
		  --where CONDITION only rows for which this holds (for an update: afterwards)
		  --columns NAMES   show these columns; updates of others are not sent
		  --window SECONDS  the least time between two messages (default 2; 0: a message for each transaction)
		  --off             stop watching
		  --json            print JSON

		A CONDITION compares columns with values by = <> < <= > >= in (...), is null and is not null, combined with and, or,
		not (...) and parentheses. A null differs from every value. To change a watch, give all of its settings again.

		Examples
		  agentmux watch orders --to RESPONDER
		  agentmux watch orders --to RESPONDER --on insert,update --where "state = 'failed' and total > 1000"
		  agentmux watch orders --to RESPONDER --off
	`,
	flags: {
		to: {type: 'string'},
		on: {type: 'string'},
		where: {type: 'string'},
		columns: {type: 'string'},
		window: {type: 'string'},
		off: {type: 'boolean'},
		json: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [name, ...more] = input;
		const to = tagFlag(flags, 'to');
		const off = flags['off'] === true;
		const settings = settingsIn(invocation);
		if (name === undefined && to === undefined && !off && settings.length === 0) return list(invocation);
		if (name === undefined || more.length > 0) throw new UsageError('Give one table.', 'See `agentmux watch --help`.');
		if (to === undefined) {
			throw new UsageError('--to is missing.', `Example: agentmux watch ${name} --to RESPONDER${off ? ' --off' : ''}`);
		}
		if (off && settings.length > 0) {
			throw new UsageError('--off ends the whole watch.', `To change it, omit --off.`);
		}
		const run = await openSql(invocation);
		const call = off ? 'unwatch_table' : 'watch_table';
		const [row] = await run(
			`select to_json(${call}(${[literal(name), literal(to), ...settings].join(', ')})) as answer`,
		);
		const answer = row?.['answer'];
		if (off) return ended(invocation, name, to, answer === true);
		const remarks = Array.isArray(answer) ? answer.map(String) : [];
		if (flags['json'] === true) return writeJson(stdout, {table: name, to, remarks});
		await write(stdout, p`${printable(to)} now gets messages about changes in ${printable(name)}.\n`);
		for (const sentence of remarks) remark(stderr, sentence);
	},
};

export default command;

function ended(
	{flags, stdout, stderr}: Invocation,
	name: string,
	to: string,
	wasWatched: boolean,
): Promise<void> | void {
	if (flags['json'] === true) return writeJson(stdout, {table: name, to, ended: wasWatched});
	if (wasWatched)
		return write(stdout, p`${printable(to)} no longer gets messages about changes in ${printable(name)}.\n`);
	return remark(
		stderr,
		`${name} was not watched for ${to}; nothing was changed. \`agentmux watch\` lists the watched tables.`,
	);
}

/** The optional arguments of watch_table, as SQL. Throws UsageError. */
function settingsIn({flags}: Invocation): string[] {
	const on = listFlag(flags, 'on')?.map(kind => kind.toLowerCase());
	const unknown = on?.find(kind => !kinds.includes(kind));
	if (unknown !== undefined) throw new UsageError(`--on takes ${kinds.join(', ')}, not \`${unknown}\`.`);
	const where = textFlag(flags, 'where');
	const columns = listFlag(flags, 'columns');
	const window = textFlag(flags, 'window');
	if (window !== undefined && !(/^\d+(?:\.\d+)?$/.test(window) && Number(window) <= 3600)) {
		throw new UsageError(`--window takes seconds, from 0 to 3600, not \`${window}\`.`);
	}
	return [
		...(on === undefined ? [] : [`p_on => ${array(on)}`]),
		...(where === undefined ? [] : [`p_where => ${literal(where)}`]),
		...(columns === undefined ? [] : [`p_columns => ${array(columns)}`]),
		...(window === undefined ? [] : [`p_window => ${literal(`${window} seconds`)}`]),
	];
}

/** Names separated by commas. Throws UsageError if one is missing. */
function listFlag(flags: Invocation['flags'], name: string): string[] | undefined {
	const names = textFlag(flags, name)
		?.split(',')
		.map(each => each.trim());
	if (names?.includes('') === true) throw new UsageError(`--${name} takes names, separated by commas.`);
	return names;
}

async function list(invocation: Invocation): Promise<void> {
	const {flags, stdout, stderr} = invocation;
	const rows = await watchedTables(await openSql(invocation));
	if (flags['json'] === true) return writeJson(stdout, rows);
	if (rows.length === 0) return remark(stderr, 'No table is watched. Use `agentmux watch TABLE --to TAG`.');
	return write(
		stdout,
		table(
			stdout,
			['TABLE', 'TO', 'CHANGES'],
			rows.map(row => [row.table, row.to, changesText(row)]),
		),
	);
}

/** Which changes a watch sends, as briefly as possible. */
function changesText({on, where, columns}: Watched): string {
	return [
		on.length === kinds.length ? 'all' : on.join(','),
		...(where === null ? [] : [`where ${where}`]),
		...(columns === null ? [] : [`of ${columns.join(',')}`]),
	].join(' ');
}

function array(texts: readonly string[]): string {
	return `array[${texts.map(literal).join(', ')}]::text[]`;
}

/** A string constant that does not depend on standard_conforming_strings. */
function literal(text: string): string {
	return `E'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", "''")}'`;
}
