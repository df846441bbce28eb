import {isChild, isHeadless, isInOtherProgram} from '../../join/clients/client.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import {isReserved, isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';

interface Options {
	/** Whether the agent of the folder has joined there with --headless. */
	readonly headless?: boolean;
	/** Gets the tag that is ignored because it is a human's. */
	readonly onIgnored?: (tag: Tag) => void;
}

/**
 * The environment of an agent's client, without an AGENTMUX_TAG that nobody set for it, so that it is the agent of its folder: a
 * human's, of the shell in which it was started, or that of another client. The config file is read only if nobody has joined as the
 * tag, since the hook looks here at every step. Rejects with MailboxError.
 */
export async function agentEnv(
	env: NodeJS.ProcessEnv,
	{config, data, state}: Pick<Paths, 'config' | 'data' | 'state'>,
	{headless = false, onIgnored}: Options = {},
): Promise<NodeJS.ProcessEnv> {
	const tag = env['AGENTMUX_TAG']?.trim() ?? '';
	if (!isTag(tag)) return env;
	const isIgnored = isReserved(tag) || (readCredentials(data, tag) === null && (await isHumans(tag, config)));
	if (isIgnored) onIgnored?.(tag);
	else if (!headless || !(await isOuterTag(tag, env, state))) return env;
	const {AGENTMUX_TAG: _, ...rest} = env;
	return rest;
}

/**
 * Whether a run without a user only inherited the tag, from the client in whose shell it was started. Where the agent of the folder
 * takes part in such runs, it is that agent, and not a second client of the other one.
 */
export async function isOuterTag(tag: Tag, env: NodeJS.ProcessEnv, state: string): Promise<boolean> {
	if (!isHeadless(env)) return false;
	// Which agent that one works as is not recorded.
	if (isInOtherProgram(env)) return true;
	if (!isChild(env)) return false;
	const {isInherited} = await import('../../join/clients/client-owner.ts');
	return isInherited(state, tag, env);
}

async function isHumans(tag: Tag, config: string): Promise<boolean> {
	const {readConfigFile} = await import('../../config-file.ts');
	const human = (await readConfigFile(config)).values.get('tag');
	return typeof human === 'string' && sameTag(tag, human.trim());
}
