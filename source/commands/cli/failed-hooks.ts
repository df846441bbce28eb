import {failuresSince, hookLog} from '../../join/hook/hook-log.ts';
import {findPaths} from '../../paths.ts';
import type {Invocation} from './command.ts';
import {timeOf} from './message-text.ts';
import {remark} from './output.ts';

const day = 24 * 60 * 60_000;

/**
 * Reports on stderr the hooks that failed in the last day. A hook only logs its errors: it must not bother the model with them.
 */
export function remarkFailedHooks({env, stderr}: Pick<Invocation, 'env' | 'stderr'>): void {
	const {logs} = findPaths(env);
	const failures = failuresSince(logs, Date.now() - day);
	if (failures === null) return;
	const {count, first, last, sentence} = failures;
	const when =
		count === 1
			? `1 hook failed at ${timeOf(first)}`
			: `${count} hooks failed since ${timeOf(first)}, the last at ${timeOf(last)}`;
	remark(stderr, `${when}: ${sentence.replace(/\.$/, '')}. See ${hookLog(logs)}.`);
}
