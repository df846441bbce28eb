import {runningClients} from '../../join/running-client.ts';
import {MailboxError} from '../../mailbox/error.ts';

/** For what an agent's program may not do to others, nor for itself. `what`: `--owner-sql is`. Throws MailboxError `forbidden`. */
export function checkIsHuman(env: NodeJS.ProcessEnv, what: string): void {
	const [client] = runningClients(env);
	if (client === undefined) return;
	throw new MailboxError('forbidden', `${client.name} runs this, and ${what}.`, 'Run this in a terminal of your own.');
}
