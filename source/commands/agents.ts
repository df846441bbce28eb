import {presenceOf} from '../mailbox/agent.ts';
import {UsageError} from '../mailbox/error.ts';
import type {Command} from './command.ts';
import {withMailbox} from './connect.ts';
import {timeOf} from './message-text.ts';
import {remark, table, write, writeJson} from './output.ts';

const command: Command = {
	summary: 'who has joined, and when last seen',
	help: `
		List who has joined.

		Usage
		  agentmux agents [--json]

		  --json        one JSON array of the rows

		An agent that was not heard of for five minutes, and did not say that it leaves, is gone.

		Example
		  agentmux agents
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		if (input.length > 0) throw new UsageError('agents takes no words.', 'See `agentmux agents --help`.');
		await withMailbox(invocation, {}, async mailbox => {
			const now = Date.now();
			const agents = (await mailbox.agents()).map(agent => ({...agent, presence: presenceOf(agent, now)}));
			if (flags['json'] === true) return writeJson(stdout, agents);
			if (agents.length === 0) {
				return remark(
					stderr,
					'Nobody has joined yet: `agentmux join CLAUDE_1 --dir DIR` lets the Claude terminal in DIR take part.',
				);
			}
			const rows = agents.map(({tag, kind, role, presence, last_seen_at, revoked_at}) => [
				tag,
				kind,
				revoked_at === null ? presence : 'revoked',
				last_seen_at === null ? 'never' : timeOf(last_seen_at),
				role ?? '',
			]);
			return write(stdout, table(stdout, ['TAG', 'KIND', 'PRESENCE', 'LAST SEEN', 'ROLE'], rows));
		});
	},
};

export default command;
