import {p, printable} from '../../printable.ts';
import type {Command} from '../cli/command.ts';
import {write, writeJson} from '../cli/output.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {namedAgent} from './named-agent.ts';

const command: Command = {
	summary: 'let a paused agent, or all, go on',
	help: `
		Let an agent that was paused go on, or all of them. What was written to it meanwhile is handed over now, and wakes it if it
		is idle. For humans.

		Usage
		  agentmux resume TAG
		  agentmux resume --all

		  --all         all agents, whoever paused them
		  --json        print the rows of those that were paused, as one JSON array

		\`resume TAG\` also resumes an agent that was paused together with all others, which stay paused.

		Examples
		  agentmux resume CLAUDE_1
		  agentmux resume --all
	`,
	flags: {json: {type: 'boolean'}, all: {type: 'boolean'}},
	async run(invocation) {
		const {env, flags, stdout} = invocation;
		const tag = namedAgent(invocation, 'resume');
		checkIsHuman(env, 'only a human resumes agents');
		await withMailbox(invocation, {}, async mailbox => {
			const agents = await mailbox.resume(tag);
			if (flags['json'] === true) return writeJson(stdout, agents);
			const whom = agents.map(each => each.tag).join(', ');
			const none = tag === null ? 'No agent was paused.' : `${tag} was not paused.`;
			await write(stdout, p`${printable(whom === '' ? none : `Resumed: ${whom}.`)}\n`);
		});
	},
};

export default command;
