import {join} from 'node:path';
import {claude} from './clients/clients.ts';
import {mailboxServer, type Launcher} from './clients/entries.ts';
import {hookEntries} from './files/settings-file.ts';
import {pluginFlag} from './joined-folder.ts';

/** Our name as a plugin, and that of the marketplace with this one plugin. */
export const pluginName = 'agentmux';

const description = 'A mailbox and a task board that this Claude Code shares with other agents and you.';

interface PluginOptions {
	readonly launcher: Launcher;
	/** The shell command that starts the hook. */
	readonly hook: string;
	readonly version: string;
}

/**
 * The files of our plugin for Claude Code, by path within it: the same hooks and server that join writes, which find their agent by the
 * folder. Where nobody has joined, they do nothing. It can be a marketplace of itself.
 */
export function pluginFiles({launcher, hook, version}: PluginOptions): {readonly [path: string]: string} {
	const entries = Object.entries(hookEntries(claude, hook, ` ${pluginFlag}`));
	const hooks = Object.fromEntries(entries.map(([event, entry]) => [event, [entry]]));
	const server = {...launcher, args: [...launcher.args, 'mcp', pluginFlag]};
	const start = [launcher.command, ...launcher.args].map(quoted).join(' ');
	return {
		'.claude-plugin/plugin.json': json({
			name: pluginName,
			version,
			description,
			author: {name: 'agentmux'},
			license: 'MIT',
		}),
		'.claude-plugin/marketplace.json': json({
			name: pluginName,
			description,
			owner: {name: 'agentmux'},
			plugins: [{name: pluginName, source: './', description}],
		}),
		'hooks/hooks.json': json({hooks}),
		'.mcp.json': json({mcpServers: {[mailboxServer]: server}}),
		'monitors/monitors.json': json([
			{
				name: 'mail',
				command: `test ! -x ${quoted(launcher.command)} || exec ${start} plugin monitor`,
				description: 'new mail of this agent, if its hooks have not handed it over',
			},
		]),
		...Object.fromEntries(skills.map(({name, text}) => [join('skills', name, 'SKILL.md'), text])),
		'README.md': readme,
	};
}

function json(value: unknown): string {
	return `${JSON.stringify(value, null, '\t')}\n`;
}

function quoted(text: string): string {
	return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A skill that only the user can start: its description costs the model nothing. */
function skill(
	name: string,
	about: string,
	text: string,
	hint?: string,
): {readonly name: string; readonly text: string} {
	const argument = hint === undefined ? '' : `argument-hint: ${JSON.stringify(hint)}\n`;
	return {
		name,
		text: `---\ndescription: ${about}\n${argument}disable-model-invocation: true\n---\n\n${text}\n`,
	};
}

const skills = [
	skill(
		'inbox',
		"Show the open messages of this agent's mailbox",
		'Call check_messages of the MCP server agentmux with again: true, and list who wrote what, the newest last.',
	),
	skill(
		'send',
		'Send a message to another agent',
		'Send a message with send_message of the MCP server agentmux. The first word is the tag that it is for, the rest is its text:\n\n$ARGUMENTS',
		'TAG text',
	),
	skill(
		'tasks',
		'Show the task board',
		'Call list_tasks of the MCP server agentmux, and list the tasks: number, title, status, and who works on it.',
	),
];

const readme = `# agentmux for Claude Code

${description} Written by \`agentmux plugin\`: its lines start a script in agentmux's data folder, so it is for this machine.

In each folder in which an agent is to take part, run \`agentmux join TAG --plugin\`. Elsewhere the plugin does nothing.

- \`/agentmux:inbox\` shows the open messages, \`/agentmux:send TAG text\` sends one, \`/agentmux:tasks\` shows the task board.
- Hooks hand new mail over while the agent works, and wake it when it is idle. A monitor does the latter where they cannot.
`;
