import {readCredentials} from '../../join/files/credentials-file.ts';
import {isReserved, isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';

/**
 * The environment of an agent's client, without an AGENTMUX_TAG that is a human's: the client inherited it from the shell in which it
 * was started, and is the agent of its folder. `onIgnored` gets that tag. The config file is read only if nobody has joined as the
 * tag, since the hook looks here at every step. Rejects with MailboxError.
 */
export async function agentEnv(
	env: NodeJS.ProcessEnv,
	{config, data}: Pick<Paths, 'config' | 'data'>,
	onIgnored?: (tag: Tag) => void,
): Promise<NodeJS.ProcessEnv> {
	const tag = env['AGENTMUX_TAG']?.trim() ?? '';
	if (!isTag(tag)) return env;
	const isIgnored = isReserved(tag) || (readCredentials(data, tag) === null && (await isHumans(tag, config)));
	if (!isIgnored) return env;
	onIgnored?.(tag);
	const {AGENTMUX_TAG: _, ...rest} = env;
	return rest;
}

async function isHumans(tag: Tag, config: string): Promise<boolean> {
	const {readConfigFile} = await import('../../config-file.ts');
	const human = (await readConfigFile(config)).values.get('tag');
	return typeof human === 'string' && sameTag(tag, human.trim());
}
