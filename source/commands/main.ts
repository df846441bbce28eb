import meow from 'meow';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {printable} from '../printable.ts';
import type {Command} from './command.ts';

/** Every command by name; loaded only when it is called. */
const commands: Record<string, () => Promise<{default: Command}>> = {};

/** Runs one command line and resolves with the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function main(argv: string[]): Promise<number> {
	try {
		const [name = ''] = argv;
		const load = commands[name];
		if (load === undefined) throw new UsageError(`There is no command \`${name}\`.`, 'See `agentmux --help`.');
		const {default: command} = await load();
		const {input, flags} = meow(command.help, {importMeta: import.meta, argv: argv.slice(1), flags: command.flags});
		const {env, stdin, stdout, stderr} = process;
		await command.run({input, flags, env, stdin, stdout, stderr});
		return 0;
	} catch (error) {
		if (!(error instanceof MailboxError)) throw error;
		process.stderr.write(`agentmux: ${printable(error.sentence)}\n`);
		return error instanceof UsageError ? 2 : 1;
	}
}
