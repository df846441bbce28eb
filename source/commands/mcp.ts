import {loadConfig} from '../config.ts';
import {tagOfVariable} from '../join/hook/agent-tag.ts';
import {hasJoinedHeadless, pluginFlag, tagOfHook} from '../join/joined-folder.ts';
import {UsageError} from '../mailbox/error.ts';
import type {Tag} from '../mailbox/tag.ts';
import {findPaths} from '../paths.ts';
import type {Command, Invocation} from './cli/command.ts';
import {agentEnv} from './connect/agent-env.ts';
import {checkFolder, identify, workingFolder} from './connect/identity.ts';
import {remark} from './cli/output.ts';
import {agentTag} from './cli/values.ts';

const command: Command = {
	summary: "the MCP server for an agent's client (set up by join)",
	help: `
		Serve MCP over stdin and stdout, for a client such as Claude Code. \`agentmux join\` writes the settings that start it.

		Usage
		  agentmux mcp --as TAG       the agent's mailbox and the task board
		  agentmux mcp --supabase [--as TAG]
		                              the stock Supabase MCP server, with that agent's SQL

		  --as TAG      the agent (default AGENTMUX_TAG; with --supabase, then the agent of this folder)
		  --plugin      the agent that has joined with --plugin in this folder; without one, serve no tools
		  --headless    take part in runs without a user (\`claude -p\`), too; \`join --headless\` writes it

		Tools
		  messages      send_message, check_messages, wait_for_message, ack_message, read_thread, search_messages,
		                list_agents
		  tasks         add_task, list_tasks, claim_task, task_progress, finish_task

		Example
		  claude mcp add agentmux -- agentmux mcp --as CLAUDE_1
	`,
	flags: {
		as: {type: 'string'},
		headless: {type: 'boolean'},
		plugin: {type: 'boolean'},
		supabase: {type: 'boolean'},
	},
	async run(given) {
		const {input, flags, stderr} = given;
		const ignored: Tag[] = [];
		if (input.length > 0) throw new UsageError('`agentmux mcp` takes no arguments.', 'Use --as TAG to say whose.');
		const paths = findPaths(given.env);
		const cwd = workingFolder(given.env);
		const as = typeof flags['as'] === 'string' ? agentTag(flags['as'], '--as') : null;
		const headless = flags['headless'] === true || (as !== null && hasJoinedHeadless(paths.data, as, cwd));
		const env = await agentEnv(given.env, paths, {headless, onIgnored: tag => ignored.push(tag)});
		const invocation = {...given, env};
		const isSupabase = flags['supabase'] === true;
		if (flags['plugin'] === true) return servePlugin(invocation);
		const named = as ?? tagOfVariable(env);
		const tag = named === null && isSupabase ? await folderAgent(invocation) : agentTag(named ?? '', '--as');
		checkFolder(paths.data, cwd, tag, env);
		for (const other of ignored) remark(stderr, `AGENTMUX_TAG is ${other}, which is no agent's tag; it is ignored.`);
		if (isSupabase) {
			const {runSupabaseServer} = await import('./serve/supabase-server.ts');
			return runSupabaseServer(invocation, tag);
		}
		const {serveMailbox} = await import('./serve/mailbox-server.ts');
		return serveMailbox(invocation, tag);
	},
};

export default command;

/** Serves the agent of this folder, if join has not written a server for it, which would be a second one. */
async function servePlugin(invocation: Invocation): Promise<void> {
	const {env} = invocation;
	const folder = env['CLAUDE_PROJECT_DIR'] ?? workingFolder(env);
	const tag = tagOfHook(findPaths(env).data, [pluginFlag], {env, folder, client: 'claude'});
	if (tag === null) {
		const {serveNothing} = await import('./serve/idle-server.ts');
		return serveNothing(invocation);
	}
	const {serveMailbox} = await import('./serve/mailbox-server.ts');
	return serveMailbox(invocation, tag);
}

/** The agent of this folder: settings written by earlier versions do not name it. */
async function folderAgent({env}: Invocation): Promise<Tag> {
	const config = await loadConfig({env});
	const {tag, isBound} = await identify(config, {env, cwd: workingFolder(env), isTerminal: false});
	if (isBound) return tag;
	throw new UsageError('No agent has joined in this folder.', 'Use --as TAG to say whose SQL this is.');
}
