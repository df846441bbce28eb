import {readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';

/**
 * Throws MailboxError if AGENTMUX_TAG names an agent that has not joined on this machine: only a human makes agents. `written`: the agent
 * according to join.
 */
export function checkJoined(tag: Tag, written: Tag, env: NodeJS.ProcessEnv, data: string): void {
	const isProject = (env['SUPABASE_URL']?.trim() ?? '') !== '';
	if (sameTag(tag, written) || isProject || readCredentials(data, tag) !== null) return;
	throw new MailboxError(
		'forbidden',
		`AGENTMUX_TAG is ${tag}, which has not joined.`,
		`Run \`agentmux join ${tag}\` in a folder of its own, or unset AGENTMUX_TAG.`,
	);
}
