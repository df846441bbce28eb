import {UsageError} from '../mailbox/error.ts';
import {findPlaces} from '../places.ts';
import type {Command} from './command.ts';
import {checkFolder, workingFolder} from './identity/identity.ts';
import {agentTag} from './values.ts';

const command: Command = {
	summary: 'the MCP server that an agent talks to (join sets it up)',
	help: `
		Serve MCP over stdin and stdout, for a client like Claude Code. \`agentmux join\` writes the entries that start it.

		Usage
		  agentmux mcp --as TAG       the agent's mailbox and the task board
		  agentmux mcp --supabase     the stock Supabase MCP server on the hub (or on the configured project)

		  --as TAG      whose mailbox (AGENTMUX_TAG when absent)

		Tools
		  messages      send_message, check_messages, wait_for_message, ack_message, read_thread, search_messages,
		                list_agents
		  tasks         add_task, list_tasks, claim_task, task_progress, finish_task

		Example
		  claude mcp add agentmux -- agentmux mcp --as CLAUDE_1
	`,
	flags: {as: {type: 'string'}, supabase: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, env} = invocation;
		if (input.length > 0) throw new UsageError('mcp takes no words.', 'Use --as TAG to say whose.');
		if (flags['supabase'] === true) {
			const {runSupabaseServer} = await import('./supabase-server.ts');
			return runSupabaseServer(invocation);
		}
		const tag = agentTag(typeof flags['as'] === 'string' ? flags['as'] : env['AGENTMUX_TAG'], '--as');
		checkFolder(findPlaces(env).data, workingFolder(env), tag);
		const {serveMailbox} = await import('./mailbox-server.ts');
		return serveMailbox(invocation, tag);
	},
};

export default command;
