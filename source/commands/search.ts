import type {Command} from './command.ts';
import {withMailbox} from './connect.ts';
import {messageText} from './message-text.ts';
import {remark, write, writeJson} from './output.ts';
import {countFlag, textOf} from './values.ts';

const command: Command = {
	summary: 'find messages by their words',
	help: `
		Full-text search over all messages, newest first.

		Usage
		  agentmux search [-n N] [--json] QUERY

		  -n, --lines N   at most so many (default 50)
		  --json          one JSON array of the rows

		All words must occur; "a phrase" stands together; or separates alternatives; -word (after --) excludes.

		Examples
		  agentmux search flaky test
		  agentmux search -- '"login page" -draft'
	`,
	flags: {lines: {type: 'string', shortFlag: 'n'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const query = textOf(input, 'query');
		const limit = countFlag(flags, 'lines') ?? 50;
		await withMailbox(invocation, {}, async mailbox => {
			const messages = await mailbox.search(query, limit);
			if (flags['json'] === true) await writeJson(stdout, messages);
			else if (messages.length === 0) remark(stderr, 'Nothing was found.');
			else await write(stdout, messages.map(message => messageText(stdout, message)).join(''));
		});
	},
};

export default command;
