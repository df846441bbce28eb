import {runSql} from '../gateway/management.ts';
import {UsageError} from '../mailbox/error.ts';
import type {Command} from './command.ts';
import {openProject} from './connect.ts';
import {write, writeJson} from './output.ts';
import {tagFlag} from './values.ts';

const command: Command = {
	summary: 'post a message whenever a table changes',
	help: `
		From now on, every change of a row in TABLE posts a message from SYSTEM that is addressed to TAG.

		Usage
		  agentmux watch TABLE --to TAG

		  --to TAG      who should act on it
		  --json        print what was set up as JSON

		Example
		  agentmux watch orders --to RESPONDER
	`,
	flags: {to: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout} = invocation;
		const [name, ...more] = input;
		if (name === undefined || more.length > 0)
			throw new UsageError('Say which one table.', 'See `agentmux watch --help`.');
		const to = tagFlag(flags, 'to');
		if (to === undefined)
			throw new UsageError('Say who should hear of it.', `Use --to TAG: agentmux watch ${name} --to RESPONDER`);
		await runSql(await openProject(invocation), `select watch_table(${literal(name)}, ${literal(to)})`);
		if (flags['json'] === true) await writeJson(stdout, {table: name, to});
		else await write(stdout, `Every change in ${name} is now a message to ${to}.\n`);
	},
};

export default command;

/** Read alike whatever standard_conforming_strings says. */
function literal(text: string): string {
	return `E'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", "''")}'`;
}
