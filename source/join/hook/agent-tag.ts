import {isReserved, isTag, type Tag} from '../../mailbox/tag.ts';

/**
 * The agent that a client's server acts as: AGENTMUX_TAG where the client was started with it, which makes a second agent in one
 * folder; else the one that join wrote, if it wrote one. A tag that no agent can have is somebody's terminal, and does not count.
 */
export function actingTag<T extends Tag | null>(written: T, env: NodeJS.ProcessEnv): Tag | T {
	const own = env['AGENTMUX_TAG']?.trim() ?? '';
	return isTag(own) && !isReserved(own) ? own : written;
}
