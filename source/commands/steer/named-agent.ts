import {UsageError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {asTag} from '../cli/values.ts';

/** The agent that a command is for; null for --all. Throws UsageError unless exactly one of both is given. */
export function namedAgent({input, flags}: Invocation, name: 'focus' | 'pause' | 'resume'): Tag | null {
	const [tag, extra] = input;
	const see = `See \`agentmux ${name} --help\`.`;
	if (extra !== undefined) throw new UsageError(`Unexpected argument \`${extra}\`.`, see);
	if (flags['all'] === true) {
		if (tag !== undefined) throw new UsageError('Give either a tag or --all.', see);
		return null;
	}
	if (tag === undefined) throw new UsageError('No agent given.', `Give its tag, or --all. ${see}`);
	return asTag(tag, 'TAG');
}
