import {claude, clients as everyClient, type Client} from '../join/clients/clients.ts';
import {UsageError} from '../mailbox/error.ts';
import {nearest} from '../mailbox/text/nearest.ts';
import type {Command} from './cli/command.ts';
import {textFlag} from './cli/values.ts';
import {joinAgents} from './join/join-agents.ts';
import {chosenParticipants, participantFlags} from './join/participants.ts';

const command: Command = {
	summary: 'set up the agent in a folder',
	help: `
		Set up a folder so that the agent started there takes part as TAG. Other contents of these files are kept.

		  servers    the mailbox (\`agentmux\`) and the stock Supabase MCP server (\`supabase\`)
		  hooks      hand over new mail while the agent works, and show the others what it is doing. For Claude Code, also
		             a rule that lets it call the mailbox's tools without asking
		  guidance   a section that explains this to the agent

		            servers                 hooks                         guidance
		  claude    .mcp.json               .claude/settings.local.json   CLAUDE.local.md
		  codex     .codex/config.toml      .codex/hooks.json             AGENTS.md
		  gemini    .gemini/settings.json   .gemini/settings.json         GEMINI.md

		Files that join creates are for this machine: it lists them in .git/info/exclude, so that git ignores them. They start
		agentmux by a script in its data folder, which each newer version rewrites. Join again to move what earlier versions
		wrote into .claude/settings.json and CLAUDE.md.

		A client uses only the hooks of the folder in which it is started, not those of folders above it (except Codex, which
		uses those of the whole git repository). If a client is also started in a subfolder or a git worktree, join that folder
		too, under a different tag. A folder has one tag for each client, and joining it as another replaces the first. To start
		a second Claude Code beside the first in one folder, use \`agentmux run TAG\` instead; once TAG has joined, so does
		\`AGENTMUX_TAG=TAG claude\`.

		A recipe sets up several agents and gives each its role. Use one that comes with agentmux (researcher-writer,
		monitor-responder, planner-executor, reviewer-loop, test-fixer, pair-with-codex, worker-pool, incident-bridge), or any
		folder with a recipe.toml.

		Usage
		  agentmux join TAG [--client CLIENT] [--dir DIR] [--role ROLE] [--no-sql | --owner-sql] [--headless]
		                    [--plugin] [--force] [--print]
		  agentmux join --recipe NAME [--client CLIENT] [--dir DIR]... [--count N] [--tags A,B] [--no-sql]
		                    [--force] [--print]

		  --client CLIENT   claude (default), codex or gemini; separate several with commas
		  --dir DIR         the folder (default: the current one). With a recipe, the folder in which each agent gets a
		                    subfolder (it is created if necessary); or give --dir once for each agent
		  --role ROLE       what this agent does, shown to the others
		  --recipe NAME     a recipe, or the path of one
		  --count N         how many to set up of the agent that the recipe has several of (worker-pool)
		  --tags A,B        other tags for the recipe's agents, in its order
		  --no-sql          omit the \`supabase\` server, whose five tools every session carries; the mailbox needs none of them.
		                    So does the next join in the folder, unless it says --sql, and so do recipes that use no SQL
		  --headless        also hand over mail in runs without a user (\`claude -p\`, scripts), which otherwise get none.
		                    Later joins in the folder keep this, until one says --no-headless
		  --plugin          write only the rule: the plugin (\`agentmux plugin\`) brings the hooks and the mailbox's server
		  --owner-sql       let its \`supabase\` server run SQL and migrations as the owner of the database, with which it can
		                    write as anyone; by default it runs SQL as the agent. Join again without this flag to undo it
		  --force           join even if another folder already has the tag, or in your home folder
		  --print           show what would change, but change nothing
		  --yes, -y         do not ask before setting up a recipe that did not come with agentmux

		Examples
		  agentmux join CLAUDE_1 --dir ~/project --role "writes the parser"
		  agentmux join CLAUDE_TWIN --dir ~/project-twin
		  agentmux join REVIEWER --client codex --dir ~/project-review
		  agentmux join --recipe planner-executor --dir ~/agents
	`,
	flags: {
		...participantFlags,
		client: {type: 'string'},
		role: {type: 'string'},
		force: {type: 'boolean'},
		headless: {type: 'boolean'},
		ownerSql: {type: 'boolean'},
		plugin: {type: 'boolean'},
		sql: {type: 'boolean'},
		print: {type: 'boolean'},
		yes: {type: 'boolean', shortFlag: 'y'},
	},
	async run(invocation) {
		const {flags} = invocation;
		const given = (name: string): boolean => flags[name] === true;
		const asSaid = (name: string): boolean | undefined => (typeof flags[name] === 'boolean' ? flags[name] : undefined);
		const clients = chosenClients(textFlag(flags, 'client') ?? claude.id);
		await joinAgents(invocation, await chosenParticipants('join', invocation), {
			command: 'join',
			clients,
			sql: asSaid('sql'),
			headless: asSaid('headless'),
			ownerSql: given('ownerSql'),
			plugin: given('plugin'),
			force: given('force'),
			print: given('print'),
			yes: given('yes'),
		});
	},
};

export default command;

/** The clients named by `--client`. Throws UsageError for an unknown one. */
function chosenClients(text: string): Client[] {
	const words = text.split(',').map(word => word.trim().toLowerCase());
	const found = everyClient.filter(({id}) => words.includes(id));
	const unknown = words.find(word => !found.some(({id}) => id === word));
	if (unknown === undefined) return found;
	const ids = everyClient.map(({id}) => id);
	const near = nearest(unknown, ids);
	throw new UsageError(
		`Unknown client \`${unknown}\`.`,
		`${near === null ? '' : `Did you mean ${near}? `}Choose from ${ids.join(', ')}.`,
	);
}
