import {p, printable} from '../../printable.ts';
import {asTyped} from '../cli/called.ts';
import type {Command} from '../cli/command.ts';
import {write, writeJson} from '../cli/output.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {namedAgent} from './named-agent.ts';

const command: Command = {
	summary: 'hand only urgent messages to an agent between its tools',
	help: `
		Let an agent, or all of them, work without interruption. Between its tools it gets only urgent messages; the others are
		handed over at the end of its turn. Without this it gets all of them between its tools. For humans.

		Usage
		  agentmux focus TAG [--off]
		  agentmux focus --all [--off]

		  --all    all agents that have joined
		  --off    hand all messages over between its tools again
		  --json   print the rows as one JSON array

		Send an urgent message with \`agentmux send --urgent\`, or with /urgent on the screen.

		Examples
		  agentmux focus CLAUDE_1
		  agentmux focus --all --off
	`,
	flags: {json: {type: 'boolean'}, all: {type: 'boolean'}, off: {type: 'boolean'}},
	async run(invocation) {
		const {env, flags, stdout} = invocation;
		const tag = namedAgent(invocation, 'focus');
		const isFocused = flags['off'] !== true;
		checkIsHuman(env, 'only a human focuses agents');
		await withMailbox(invocation, {}, async mailbox => {
			const agents = await mailbox.focus(tag, isFocused);
			if (flags['json'] === true) return writeJson(stdout, agents);
			const whom = agents.map(each => each.tag).join(', ');
			if (whom === '') return write(stdout, p`No agent has joined yet.\n`);
			if (!isFocused) return write(stdout, p`No longer focused: ${printable(whom)}.\n`);
			const off = asTyped(`To end this: \`agentmux focus ${tag === null ? '--all' : whom} --off\``, env);
			await write(stdout, p`Focused: ${printable(whom)}.\n${printable(off)}\n`);
		});
	},
};

export default command;
