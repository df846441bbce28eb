import {runningClients} from '../../join/clients/running-client.ts';
import {MailboxError} from '../../mailbox/error.ts';

/** Refuses an agent's program. `what` says why, as a clause: `only a human can restore a backup`. Throws MailboxError `forbidden`. */
export function checkIsHuman(env: NodeJS.ProcessEnv, what: string): void {
	const [client] = runningClients(env);
	if (client === undefined) return;
	throw new MailboxError('forbidden', `${client.name} runs this, and ${what}.`, 'Run this in your own terminal.');
}
