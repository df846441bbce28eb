import {answerTime} from './time-limit.ts';
import {dialects, subagentTool, type ClientId} from './dialect.ts';
import {keyVariables} from './entries.ts';

/** How to set up an agent's program in a folder. Paths are relative to the folder. */
export interface Client {
	readonly id: ClientId;
	readonly name: string;
	/** The command that starts it. */
	readonly program: string;
	/** The version that was tried with this agentmux, and to which the table in the README applies. */
	readonly tried: string;
	/** What the user must do once before the files of join take effect, as in "..., and CONSENT when it asks". */
	readonly consent: string;
	/** The file with its MCP servers: TOML if its name ends so, else JSON. */
	readonly servers: string;
	readonly hooks: string;
	/** The file that it shows to its model. */
	readonly guidance: string;
	/** Where earlier versions of join wrote hooks and guidance: the next join moves them. */
	readonly former?: {readonly hooks: string; readonly guidance: string};
	/** The rules in its settings by which it calls our own tools without asking: those of the server that join writes, and of our plugin. */
	readonly permissions?: {readonly server: string; readonly plugin: string};
	/** Whether files in the folders above, up to the root of the git repository, apply to this one too. */
	readonly inherits: boolean;
	/** Whether mail can start a turn while nobody types. */
	readonly wakes: boolean;
	/** Whether its JSON files may contain comments. */
	readonly comments: boolean;
	/** Variables that it passes to a server only if the file asks for them, in the file's syntax. */
	readonly env?: {readonly [name: string]: string};
	/** When it kills a hook that does not end (ours does), in its own unit. */
	readonly timeout: number;
	/** The name of a hook in its settings. */
	readonly hookName?: string;
	/** By event: the tools to which the hook is limited. */
	readonly matchers?: {readonly [event: string]: string};
	/** By event: additional fields of its entry. */
	readonly fields?: {readonly [event: string]: {readonly [field: string]: boolean | number}};
}

export const claude: Client = {
	id: 'claude',
	name: 'Claude Code',
	program: 'claude',
	tried: '2.1.330',
	consent: 'allow the servers',
	servers: '.mcp.json',
	// The files of one person on one machine; the team's are settings.json and CLAUDE.md.
	hooks: '.claude/settings.local.json',
	guidance: 'CLAUDE.local.md',
	former: {hooks: '.claude/settings.json', guidance: 'CLAUDE.md'},
	permissions: {server: 'mcp__agentmux', plugin: 'mcp__plugin_agentmux_agentmux'},
	inherits: false,
	wakes: true,
	comments: false,
	timeout: 5,
	fields: {
		// It runs in the background; exit code 2 wakes the client.
		FileChanged: {asyncRewake: true},
		// It waits for a human's answer while the client shows its own question.
		PermissionRequest: {timeout: answerTime.claude + 10},
	},
};

const codex: Client = {
	id: 'codex',
	name: 'Codex',
	program: 'codex',
	tried: '0.169.0',
	consent: 'trust the folder and its hooks',
	servers: '.codex/config.toml',
	hooks: '.codex/hooks.json',
	guidance: 'AGENTS.md',
	inherits: true,
	wakes: false,
	comments: false,
	// It warns about a longer timeout for SessionEnd and Interrupt.
	timeout: 3,
	fields: {PermissionRequest: {timeout: answerTime.codex + 10}},
};

const gemini: Client = {
	id: 'gemini',
	name: 'Gemini CLI',
	program: 'gemini',
	tried: '0.61.0',
	consent: 'trust the folder',
	servers: '.gemini/settings.json',
	hooks: '.gemini/settings.json',
	guidance: 'GEMINI.md',
	inherits: false,
	wakes: false,
	comments: true,
	env: {
		// It does not pass on variables that look like a secret unless the file names them.
		...Object.fromEntries(keyVariables.map(name => [name, `$${name}`])),
		// Cleared, because in a shell of Claude Code it would pass the variable on, and Claude Code would be woken instead of it.
		CLAUDE_CODE_ENTRYPOINT: '',
		// Likewise the agent of that Claude Code. Codex passes on neither.
		AGENTMUX_TAG: '',
	},
	timeout: 5000,
	hookName: 'agentmux',
	matchers: {BeforeTool: subagentTool},
};

export const clients: readonly Client[] = [claude, codex, gemini];

/** The files that join writes for a client, relative to the folder; each once. */
export function filesOf({servers, hooks, guidance}: Client): string[] {
	return [...new Set([servers, hooks, guidance])];
}

/** Those, and where earlier versions wrote them. */
export function everyFileOf(client: Client): string[] {
	const {hooks, guidance} = client.former ?? client;
	return [...new Set([...filesOf(client), hooks, guidance])];
}

/** The events that start our hook, by the client's own names. */
export function eventsOf({id}: Client): string[] {
	return Object.keys(dialects[id]);
}
