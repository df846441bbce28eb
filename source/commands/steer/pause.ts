import {UsageError} from '../../mailbox/error.ts';
import {p, printable} from '../../printable.ts';
import {asTyped} from '../cli/called.ts';
import type {Command} from '../cli/command.ts';
import {write, writeJson} from '../cli/output.ts';
import {textFlag} from '../cli/values.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {namedAgent} from './named-agent.ts';

const command: Command = {
	summary: 'hand no mail and no task to an agent, or to all, until `resume`',
	help: `
		Pause an agent, or all of them. Nothing is handed over to it and it can claim nothing until it is resumed. Messages to it
		are kept, and what it has claimed stays its own: the leases do not run out meanwhile. For humans.

		Usage
		  agentmux pause TAG [--reason TEXT]
		  agentmux pause --all [--reason TEXT]

		  --all          all agents, and those that join before \`agentmux resume --all\`
		  --reason TEXT  why; the agent reads it, and everybody can see it
		  --json         print the rows as one JSON array

		An agent in the middle of a turn is not interrupted: its mailbox tells it to finish what it is doing and end its turn. To
		stop everything, run \`agentmux pause --all\`.

		Examples
		  agentmux pause CLAUDE_1
		  agentmux pause --all --reason "the production database is being moved"
	`,
	flags: {json: {type: 'boolean'}, all: {type: 'boolean'}, reason: {type: 'string'}},
	async run(invocation) {
		const {env, flags, stdout} = invocation;
		const tag = namedAgent(invocation, 'pause');
		const reason = textFlag(flags, 'reason');
		if (reason !== undefined && reason.length > 500)
			throw new UsageError('A reason has at most 500 characters.', 'Send the rest as a message.');
		checkIsHuman(env, 'only a human pauses agents');
		await withMailbox(invocation, {}, async mailbox => {
			const agents = await mailbox.pause(tag, reason);
			if (flags['json'] === true) return writeJson(stdout, agents);
			const whom = agents.map(each => each.tag).join(', ');
			const which = tag === null ? '--all' : whom;
			const later = tag === null ? ' Agents that join from now on are paused, too.' : '';
			const said = whom === '' ? 'No agent has joined yet.' : `Paused: ${whom}.`;
			const next = asTyped(`To let ${tag === null ? 'them' : 'it'} go on: \`agentmux resume ${which}\``, env);
			await write(stdout, p`${printable(said + later)}\n${printable(next)}\n`);
		});
	},
};

export default command;
