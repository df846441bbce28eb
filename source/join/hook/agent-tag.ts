import {MailboxError} from '../../mailbox/error.ts';
import {isReserved, isTag, tagGrammar, type Tag} from '../../mailbox/tag.ts';

/** Says which agent a client or a command is. */
export const variable = 'AGENTMUX_TAG';

/** The tag that the variable names; null if it is not set. Throws MailboxError `invalid` if it is something else than a tag. */
export function tagOfVariable(env: NodeJS.ProcessEnv): Tag | null {
	const tag = env[variable]?.trim() ?? '';
	if (tag === '' || isTag(tag)) return tag === '' ? null : tag;
	throw new MailboxError('invalid', `\`${tag}\` (${variable}) is not a tag.`, tagGrammar);
}

/**
 * The agent that a client's server acts as: AGENTMUX_TAG where the client was started with it, which makes a second agent in one
 * folder; else the one that join wrote, if it wrote one. A tag that no agent can have is somebody's terminal, and does not count.
 * Throws as tagOfVariable does: whoever set it meant another agent, whose name is not known.
 */
export function actingTag<T extends Tag | null>(written: T, env: NodeJS.ProcessEnv): Tag | T {
	const own = tagOfVariable(env);
	return own !== null && !isReserved(own) ? own : written;
}
