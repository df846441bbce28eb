import {isRule} from '../../mailbox/approval-rule.ts';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import {findPaths} from '../../paths.ts';
import {p, printable} from '../../printable.ts';
import {addRule, forgetRule, readRules} from '../../signing/approval-rules.ts';
import type {Invocation} from '../cli/command.ts';
import {timeOf} from '../cli/message-text.ts';
import {remark, table, write, writeJson} from '../cli/output.ts';
import {agentTag, textFlag} from '../cli/values.ts';

/** Throws UsageError if there are more than `most` words. */
export function only(words: readonly string[], most: number): void {
	if (words.length > most)
		throw new UsageError(`Unexpected argument \`${words[most]}\`.`, 'See `agentmux approvals --help`.');
}

/** `approvals rules`. */
export async function listRules({env, flags, stdout, stderr}: Invocation, words: readonly string[]): Promise<void> {
	only(words, 0);
	const rules = readRules(findPaths(env).data);
	if (flags['json'] === true) return writeJson(stdout, rules);
	if (rules.length === 0) return remark(stderr, 'There are no rules. `agentmux approvals always RULE` makes one.');
	const rows = rules.map(({rule, behavior, tag, since}) => [
		behavior === 'allow' ? 'always' : 'never',
		rule,
		tag ?? 'every agent',
		timeOf(since),
	]);
	return write(stdout, table(stdout, ['', 'RULE', 'FOR', 'SINCE'], rows));
}

/** `approvals always`, `never` and `forget`. Throws UsageError, or MailboxError `not_found`. */
export async function changeRules(
	{env, flags, stdout}: Invocation,
	action: 'always' | 'never' | 'forget',
	[rule = '', ...more]: readonly string[],
): Promise<void> {
	only(more, 0);
	const {data} = findPaths(env);
	const given = textFlag(flags, 'for');
	const tag = given === undefined ? null : agentTag(given, '--for');
	const whom = tag ?? 'every agent';
	if (action === 'forget') {
		if (!forgetRule(data, rule, tag)) {
			throw new MailboxError('not_found', `There is no rule ${rule} for ${whom}.`, 'See `agentmux approvals rules`.');
		}
		return write(stdout, p`The rule ${printable(rule)} for ${printable(whom)} is removed.\n`);
	}
	if (!isRule(rule)) {
		throw new UsageError(
			rule === '' ? 'No rule given.' : `\`${rule}\` is not a rule.`,
			'Example: agentmux approvals always "Bash(npm test)" --for REVIEWER',
		);
	}
	addRule(data, {rule, behavior: action === 'always' ? 'allow' : 'deny', tag, since: new Date().toISOString()});
	const what = action === 'always' ? 'is always allowed' : 'is never allowed';
	return write(stdout, p`${printable(rule)} ${printable(what)} for ${printable(whom)}.\n`);
}
