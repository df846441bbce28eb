import type {AnyFlags} from 'meow';

/** What a command gets; tests hand in their own. */
export interface Invocation {
	/** The words after the command's name. */
	readonly input: readonly string[];
	/** As meow parsed them by the command's `flags`. */
	readonly flags: {readonly [name: string]: unknown};
	readonly env: NodeJS.ProcessEnv;
	readonly stdin: NodeJS.ReadStream;
	readonly stdout: NodeJS.WriteStream;
	readonly stderr: NodeJS.WriteStream;
}

/**
 * One file in this folder default-exports one of these. It throws MailboxError or UsageError for what can be expected to
 * fail; only cli.ts turns that into a line on stderr and an exit code.
 */
export interface Command {
	/** For the list in `agentmux --help`. */
	readonly summary: string;
	/** The text of `agentmux NAME --help`: usage, flags, an example. */
	readonly help: string;
	readonly flags: AnyFlags;
	/** Whether it goes on where something else stands in the place of a file of the home, which is then only said. */
	readonly goesOn?: (input: readonly string[]) => boolean;
	run(invocation: Invocation): Promise<void>;
}
