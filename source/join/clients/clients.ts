import {dialects, subagentTool, type ClientId} from './dialect.ts';
import {keyVariables} from './entries.ts';

/** How an agent's program is set up for one folder. Paths are those of its files in the folder. */
export interface Client {
	readonly id: ClientId;
	readonly name: string;
	/** What starts its terminal. */
	readonly program: string;
	/** What has to be done there once, before what join wrote takes effect: "..., and SENTENCE when it asks". */
	readonly consent: string;
	/** Its MCP servers: JSON, or TOML by the name. */
	readonly servers: string;
	readonly hooks: string;
	/** What it reads to its model. */
	readonly guidance: string;
	/** What stands in the folders above, up to the root of the git repository, holds in this one too. */
	readonly inherits: boolean;
	/** Mail can make a prompt of itself while nobody types. */
	readonly wakes: boolean;
	/** Its JSON may hold comments. */
	readonly comments: boolean;
	/** What it would not pass on to a server by itself, as its file refers to the environment. */
	readonly env?: {readonly [name: string]: string};
	/** When it ends a hook that does not end by itself, as ours does: in the unit that it counts in. */
	readonly timeout: number;
	/** What a hook is called in its own lists. */
	readonly hookName?: string;
	/** By event: for which tools alone the hook is started. */
	readonly matchers?: {readonly [event: string]: string};
	/** By event: what else its entry says. */
	readonly beside?: {readonly [event: string]: {readonly [field: string]: boolean}};
}

export const claude: Client = {
	id: 'claude',
	name: 'Claude Code',
	program: 'claude',
	consent: 'allow the servers',
	servers: '.mcp.json',
	hooks: '.claude/settings.json',
	guidance: 'CLAUDE.md',
	inherits: false,
	wakes: true,
	comments: false,
	timeout: 5,
	// It runs beside the client, which takes the exit code 2 for a reason to wake up.
	beside: {FileChanged: {asyncRewake: true}},
};

const codex: Client = {
	id: 'codex',
	name: 'Codex',
	program: 'codex',
	consent: 'trust the folder and its hooks',
	servers: '.codex/config.toml',
	hooks: '.codex/hooks.json',
	guidance: 'AGENTS.md',
	inherits: true,
	wakes: false,
	comments: false,
	// It warns of more for SessionEnd and Interrupt.
	timeout: 3,
};

const gemini: Client = {
	id: 'gemini',
	name: 'Gemini CLI',
	program: 'gemini',
	consent: 'trust the folder',
	servers: '.gemini/settings.json',
	hooks: '.gemini/settings.json',
	guidance: 'GEMINI.md',
	inherits: false,
	wakes: false,
	comments: true,
	env: {
		// It keeps what looks like a secret from a server that does not ask for it.
		...Object.fromEntries(keyVariables.map(name => [name, `$${name}`])),
		// In a shell of Claude Code it would pass on what that says of itself, and that would be woken in its place.
		CLAUDE_CODE_ENTRYPOINT: '',
	},
	timeout: 5000,
	hookName: 'agentmux',
	matchers: {BeforeTool: subagentTool},
};

export const clients: readonly Client[] = [claude, codex, gemini];

/** The client's own names of the events that it starts our hook for. */
export function eventsOf({id}: Client): string[] {
	return Object.keys(dialects[id]);
}
