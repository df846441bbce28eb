import {UsageError} from '../mailbox/error.ts';
import type {Command} from './cli/command.ts';

const command: Command = {
	summary: "the hook that an agent's client runs at each event (set up by join)",
	help: `
		Hand new mail over to an agent while it works, and tell the others what it is doing. A client such as Claude Code runs
		this and writes the event to its stdin as JSON; \`agentmux join\` writes the necessary settings.

		Usage
		  agentmux hook EVENT [--as TAG]

		  EVENT         SessionStart, UserPromptSubmit, PostToolBatch, Stop, Notification or SessionEnd
		  --as TAG      whose mail (default: the agent that has joined in the client's folder); AGENTMUX_TAG comes first

		It never fails. Where the agent waits for it, it gives up after 300 ms (AGENTMUX_HOOK_TIMEOUT sets another number of
		milliseconds, for a project that is far away), and after 2 s if mail is known to wait; elsewhere after 4 s. In a run
		without a user it does nothing unless --headless or AGENTMUX_TAG asks for it. Errors are written to logs/hook.log, and \`agentmux agents\` reports them.

		Example
		  echo '{"session_id": "test"}' | agentmux hook UserPromptSubmit
	`,
	flags: {},
	// With an event, cli.ts runs the hook without this file.
	run: () => Promise.reject(new UsageError('No event given.', 'See `agentmux hook --help`.')),
};

export default command;
