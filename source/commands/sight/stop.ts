import {UsageError} from '../../mailbox/error.ts';
import type {StopAsked} from '../../mailbox/sight/sight.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {Command} from '../cli/command.ts';
import {remark, write, writeJson} from '../cli/output.ts';
import {asTag, textFlag} from '../cli/values.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';

const command: Command = {
	summary: 'stop what an agent is doing, at its next step',
	help: `
		Stop agents that are working, as Esc in their terminals does, but only after the tools that run now. The client stays
		open; its user sees who stopped it and why, and the next prompt goes on. Only humans can do this.

		Usage
		  agentmux stop TAG [--reason TEXT] [--json]
		  agentmux stop --all [--reason TEXT] [--json]

		  --all          every agent that works
		  --reason TEXT  why; shown in the agent's terminal
		  --json         print the rows as one JSON array, one for each client

		Claude Code and Gemini CLI stop when their tools have ended: a tool that runs long, or a subagent, ends first. A model that
		calls no tool ends its turn by itself. Codex cannot be stopped from outside: its model is told instead of the tool's
		result, and may go on. A stop is forgotten when the turn ends or after ten minutes, and mail does not wake an agent for ten
		minutes after it has stopped.

		Examples
		  agentmux stop CLAUDE_1 --reason "wrong branch"
		  agentmux stop --all
	`,
	flags: {all: {type: 'boolean'}, reason: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, env, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0)
			throw new UsageError(`Unexpected argument \`${more[0]}\`.`, 'Quote the reason: --reason "TEXT".');
		const isAll = flags['all'] === true;
		if (isAll === (word !== undefined)) throw new UsageError('Give a tag, or --all.', 'See `agentmux stop --help`.');
		const tag = word === undefined ? null : asTag(word, 'the agent');
		const reason = textFlag(flags, 'reason');
		if ((reason ?? '').length > 500) throw new UsageError('The reason is longer than 500 characters.');
		checkIsHuman(env, 'only a human can stop agents');
		await withMailbox(invocation, {}, async mailbox => {
			const asked = await mailbox.sight.stop(tag, reason);
			if (flags['json'] === true) return writeJson(stdout, asked);
			const [agents, sights] = await Promise.all([mailbox.agents(), mailbox.sight.list()]);
			if (asked.length === 0) {
				const agent = agents.find(each => tag !== null && sameTag(each.tag, tag));
				if (agent === undefined) return remark(stderr, 'No agent works.');
				return remark(stderr, `${agent.tag} does not work: there is nothing to stop.`);
			}
			for (const folded of new Set(asked.map(each => foldTag(each.tag)))) {
				const named = agents.find(each => foldTag(each.tag) === folded)?.tag ?? folded;
				const client = sights.find(each => foldTag(each.tag) === folded)?.doing?.client ?? null;
				await write(stdout, p`${printable(promise(named, client, clientsOf(asked, folded)))}\n`);
			}
		});
	},
};

export default command;

function clientsOf(asked: readonly StopAsked[], folded: Tag): number {
	return asked.filter(({tag}) => foldTag(tag) === folded).length;
}

/** What will happen. */
function promise(tag: Tag, client: string | null, count: number): string {
	if (client === 'codex') return `${tag} is asked to stop at its next step. It is a Codex, whose model may go on.`;
	return `${tag} stops when the tools that it runs now have ended${count > 1 ? `, in ${count} clients` : ''}.`;
}
