import type {Command} from './cli/command.ts';

const command: Command = {
	summary: "one line about an agent's mail, for its client's status line",
	help: `
		Print one line: new and stuck messages of the agent that has joined in this folder, and which others work. It asks
		nobody: the agent's own server keeps what it last knew in a file, and looks every five seconds who works while the
		line is shown. Prints nothing where no agent has joined.

		Usage
		  agentmux statusline

		For Claude Code, write this into ~/.claude/settings.json. If agentmux is not on the PATH, use the script that join has
		written: bin/agentmux in the data folder (~/.local/share/agentmux, or ~/Library/Application Support/agentmux).

		  "statusLine": {"type": "command", "command": "agentmux statusline"}

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
