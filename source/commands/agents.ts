import {isShared, presenceOf} from '../mailbox/agent.ts';
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
			const agents = await mailbox.agents();
			if (flags['json'] === true) {
				return writeJson(
					stdout,
					agents.map(agent => ({...agent, presence: presenceOf(agent, now)})),
				);
			}
			if (agents.length === 0) {
				return remark(
					stderr,
					'Nobody has joined yet: `agentmux join CLAUDE_1 --dir DIR` lets the Claude terminal in DIR take part.',
				);
			}
			const rows = agents.map(agent => [
				agent.tag,
				agent.kind,
				agent.revoked_at === null ? presenceOf(agent, now) : 'revoked',
				agent.last_seen_at === null ? 'never' : timeOf(agent.last_seen_at),
				agent.role ?? '',
			]);
			await write(stdout, table(stdout, ['TAG', 'KIND', 'PRESENCE', 'LAST SEEN', 'ROLE'], rows));
			for (const agent of agents.filter(each => isShared(each, now))) {
				remark(
					stderr,
					`${agent.sessions} clients work as ${agent.tag} and share its inbox: each message reaches one of them. Let one join under a tag of its own.`,
				);
			}
		});
	},
};

export default command;
