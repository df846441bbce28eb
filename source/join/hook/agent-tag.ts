import {isReserved, isTag, type Tag} from '../../mailbox/tag.ts';

/**
 * The agent that a client's hooks and servers act as: AGENTMUX_TAG where the client was started with it, which makes a second agent in
 * one folder; else the one that join wrote. A tag that no agent can have is somebody's terminal, and does not count.
 */
export function actingTag(written: string, env: NodeJS.ProcessEnv): string {
	const own = env['AGENTMUX_TAG']?.trim() ?? '';
	return isTag(own) && !isReserved(own) ? own : written;
}

/** The tag of a hook with `--as TAG` or AGENTMUX_TAG. Throws if there is none. */
export function tagIn(words: readonly string[], env: NodeJS.ProcessEnv): Tag {
	const tag = actingTag(words[words.indexOf('--as') + 1 || words.length] ?? '', env);
	if (!isTag(tag)) throw new Error(`\`${tag}\` is not a tag: use --as TAG to name the agent`);
	return tag;
}
