import {runSql} from '../gateway/management.ts';
import type {Command} from './command.ts';
import {openProject} from './connect.ts';
import {remark, table, write, writeJson} from './output.ts';
import {textOf} from './values.ts';

const command: Command = {
	summary: 'run SQL on the database behind the mailbox',
	help: `
		Run SQL as the owner of the database, and print the rows of its last statement.

		Usage
		  agentmux sql [--json] QUERY

		  --json        one JSON array of the rows

		On a hosted Supabase project this needs SUPABASE_ACCESS_TOKEN.

		Examples
		  agentmux sql "select tag, count(*) from messages group by tag"
		  agentmux sql "insert into messages (content) values ('[CLAUDE_1] hello @CLAUDE_2')"
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const query = textOf(input, 'query');
		const rows = await runSql(await openProject(invocation), query);
		if (flags['json'] === true) return writeJson(stdout, rows);
		const headings = Object.keys(rows[0] ?? {});
		if (rows.length === 0) return remark(stderr, 'Done; no rows.');
		return write(
			stdout,
			table(
				stdout,
				headings,
				rows.map(row => headings.map(heading => cell(row[heading]))),
			),
		);
	},
};

export default command;

function cell(value: unknown): string {
	if (value === null || value === undefined) return 'null';
	return typeof value === 'string' ? value : JSON.stringify(value);
}
