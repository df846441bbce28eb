import {UsageError} from '../mailbox/error.ts';
import type {Command} from './cli/command.ts';

const command: Command = {
	summary: "what an agent's client runs at each event (join sets it up)",
	help: `
		Hand over an agent's new mail in the middle of its work, and tell the others whether it works. A client like Claude
		Code runs it and writes the event to its stdin as JSON; \`agentmux join\` writes the entries that do so.

		Usage
		  agentmux hook EVENT --as TAG

		  EVENT         SessionStart, UserPromptSubmit, PostToolBatch, Stop, Notification or SessionEnd
		  --as TAG      whose mail (AGENTMUX_TAG when absent)

		It never fails, and gives up after 300 ms (for a project that is far away, AGENTMUX_HOOK_PATIENCE sets another number of
		milliseconds). Errors are written to logs/hook.log, and \`agentmux agents\` reports them.

		Example
		  echo '{"session_id": "test"}' | agentmux hook UserPromptSubmit --as CLAUDE_1
	`,
	flags: {},
	// With an event, cli.ts has run it already.
	run: () => Promise.reject(new UsageError('The event is missing.', 'See `agentmux hook --help`.')),
};

export default command;
