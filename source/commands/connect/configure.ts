import {loadConfig, type Config} from '../../config.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';

/** What the mailbox to open depends on, besides the arguments. */
export type Surroundings = Pick<Invocation, 'env' | 'stderr'> & Partial<Pick<Invocation, 'stdin' | 'isTerminal'>>;

/** Reads the configuration, and passes its warnings to `say`. Rejects with MailboxError. */
export async function configure(env: NodeJS.ProcessEnv, say: (sentence: string) => void, as?: Tag): Promise<Config> {
	const config = await loadConfig({flags: {as}, env});
	for (const warning of config.warnings) say(warning);
	return config;
}
