import type {Command} from './cli/command.ts';

const command: Command = {
	summary: "one line about an agent's mail, for its client's status line",
	help: `
		Print one line: new and stuck messages of the agent that has joined in this folder, and which others work. It asks
		nobody: the agent's own server keeps what it last knew in a file. Prints nothing where no agent has joined.

		Usage
		  agentmux statusline

		For Claude Code, write this into ~/.claude/settings.json (\`agentmux config\` shows the data folder):

		  "statusLine": {"type": "command", "command": "DATA/bin/agentmux statusline"}

		Example
		  agentmux statusline
	`,
	flags: {},
	async run() {
		await import('./serve/run-statusline.ts');
		// It ends the process.
		await new Promise(() => undefined);
	},
};

export default command;
