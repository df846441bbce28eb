import type {AnyFlags} from 'meow';

/** The input of a command; tests pass their own. */
export interface Invocation {
	/** The arguments after the command's name. */
	readonly input: readonly string[];
	/** As meow parsed them by the command's `flags`. */
	readonly flags: {readonly [name: string]: unknown};
	readonly env: NodeJS.ProcessEnv;
	readonly stdin: NodeJS.ReadStream;
	readonly stdout: NodeJS.WriteStream;
	readonly stderr: NodeJS.WriteStream;
	/** Whether stderr or stdin is a terminal, as found without making those streams; absent: they say it themselves. */
	readonly isTerminal?: boolean;
}

/**
 * The default export of a file in commands/. It throws MailboxError or UsageError for expected failures; only cli.ts turns those
 * into a line on stderr and an exit code.
 */
export interface Command {
	/** Shown in the list of `agentmux --help`. */
	readonly summary: string;
	/** The text of `agentmux NAME --help`: usage, flags, an example. */
	readonly help: string;
	readonly flags: AnyFlags;
	/** Whether the command goes on if a path in the home is not an ordinary file; it then only prints a warning. */
	readonly goesOn?: (input: readonly string[]) => boolean;
	/** Resolves with the exit code if it is not 0: that of a program which the command ran. */
	run(invocation: Invocation): Promise<number | void>;
}
