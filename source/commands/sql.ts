import type {Command} from './cli/command.ts';
import {openSql} from './connect/owner.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {textOf} from './cli/values.ts';

const command: Command = {
	summary: "run SQL on the mailbox's database",
	help: `
		Run SQL, and print the rows of the last statement that returns any. You run it as the owner of the database.

		In an agent's program or folder, SQL runs as that agent: it can read what all agents can read, insert messages under its
		own tag, call the functions, and create tables in public that the others can read.

		On a hub, CREATE INDEX, VACUUM and ALTER TABLE may take as long as they need; other statements of the owner are cancelled
		after two minutes (see \`agentmux hub --help\`). Ctrl-C cancels a statement.

		Usage
		  agentmux sql [--json] QUERY

		  --json        print the rows as one JSON array

		On a hosted Supabase project you need SUPABASE_ACCESS_TOKEN; an agent needs only what join set up.

		Examples
		  agentmux sql "select tag, count(*) from messages group by tag"
		  agentmux sql "insert into messages (content) values ('[CLAUDE_1] hello @CLAUDE_2')"
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const query = textOf(input, 'query');
		const run = await openSql(invocation);
		const rows = await run(query);
		if (flags['json'] === true) return writeJson(stdout, rows);
		const headings = Object.keys(rows[0] ?? {});
		if (rows.length === 0) return remark(invocation.stderr, 'Done; no rows.');
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
