import {join} from 'node:path';
import {isRule, type ApprovalRule} from '../mailbox/approval-rule.ts';
import {MailboxError} from '../mailbox/error.ts';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {readKeyFile, writeKeyFile} from './key-folder.ts';

/** The file of the rules by which requests for approval are answered here. Nothing in a database can add to it. */
function rulesFile(data: string): string {
	return join(data, 'approval-rules.json');
}

/** The rules of this home, oldest first. Throws MailboxError `file` if they cannot be read or are damaged. */
export function readRules(data: string): ApprovalRule[] {
	const path = rulesFile(data);
	const text = readKeyFile(path);
	if (text === null) return [];
	try {
		const {rules} = JSON.parse(text) as {readonly rules: readonly ApprovalRule[]};
		const whole = rules.every(
			({rule, behavior, tag, since}) =>
				isRule(rule) &&
				(behavior === 'allow' || behavior === 'deny') &&
				(tag === null || isTag(tag)) &&
				typeof since === 'string',
		);
		if (whole) return [...rules];
	} catch {
		// Reported below.
	}
	throw new MailboxError('file', `${path} is damaged.`, 'Move it away, and make the rules again.');
}

/** Adds a rule; it replaces one with the same text for the same agent. */
export function addRule(data: string, rule: ApprovalRule): void {
	const others = readRules(data).filter(other => !isSame(other, rule));
	write(data, [...others, rule]);
}

/** Removes a rule; returns false if there was none. */
export function forgetRule(data: string, rule: string, tag: Tag | null): boolean {
	const rules = readRules(data);
	const left = rules.filter(other => !isSame(other, {rule, tag}));
	if (left.length < rules.length) write(data, left);
	return left.length < rules.length;
}

function isSame(one: Pick<ApprovalRule, 'rule' | 'tag'>, other: Pick<ApprovalRule, 'rule' | 'tag'>): boolean {
	if (one.rule !== other.rule) return false;
	return one.tag === null || other.tag === null ? one.tag === other.tag : sameTag(one.tag, other.tag);
}

function write(data: string, rules: readonly ApprovalRule[]): void {
	writeKeyFile(rulesFile(data), `${JSON.stringify({v: 1, rules}, null, '\t')}\n`);
}
