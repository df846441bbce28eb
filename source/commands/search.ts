import {parseStored} from '../mailbox/filter/filter-parse.ts';
import {joinPrintable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {messageText} from './cli/message-text.ts';
import {remark, write, writeJson} from './cli/output.ts';
import {countFlag, textOf} from './cli/values.ts';

const command: Command = {
	summary: 'find messages by words, tags, time and more',
	help: `
		Search all messages, newest first.

		Usage
		  agentmux search [-n N] [--json] QUERY

		  -n, --lines N   print at most N messages (default 50)
		  --json          print the rows as one JSON array

		QUERY (also accepted by / and f on the screen):
		  word            matches words that begin with it; "a phrase" matches exactly
		  from:TAG        written under TAG; to:TAG mentions it; tag:TAG either
		  after:2h        since then; before:2026-11-20 earlier (2h, 30m, 3d, 14:30, yesterday, a date)
		  in:#12          in that thread; id:12 that message
		  has:task        contains a #number; has:code, has:link
		  is:mine         written by you; is:unverified; is:stuck (delivered often, never acked)

		All terms must match; \`or\` separates alternatives; a minus excludes (put -- before a query that begins with one).

		Examples
		  agentmux search flaky test
		  agentmux search from:CLAUDE_1 after:2h has:code deploy
		  agentmux search -- -draft '"login page"' or tag:REVIEWER
	`,
	flags: {lines: {type: 'string', shortFlag: 'n'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const filter = parseStored(textOf(input, 'query'), Date.now(), 'See `agentmux search --help`.');
		const limit = countFlag(flags, 'lines') ?? 50;
		await withMailbox(invocation, {}, async mailbox => {
			if (flags['json'] === true) return writeJson(stdout, await mailbox.search(filter, {limit}));
			let found = 0;
			// Printed as they are found: the rest of a long history may take a while.
			for await (const {messages} of mailbox.searchParts(filter, {limit})) {
				found += messages.length;
				if (messages.length > 0)
					await write(stdout, joinPrintable(messages.map(message => messageText(stdout, message))));
			}
			if (found === 0) remark(stderr, 'No messages found.');
		});
	},
};

export default command;
