import {expect, test} from 'vitest';
import type {Question} from '../../source/mailbox/approval.ts';
import {ruleFor, ruleThatAnswers, type ApprovalRule} from '../../source/mailbox/approval-rule.ts';

const since = '2026-01-01T00:00:00Z';
const rule = (text: string, more: Partial<ApprovalRule> = {}): ApprovalRule => ({
	rule: text,
	behavior: 'allow',
	tag: null,
	since,
	...more,
});
const bash = (command: string, more: object = {}): Question => ({
	tool: 'Bash',
	input: JSON.stringify({command, ...more}),
	cwd: '/project',
	rules: '[]',
});
const answers = (text: string, question: Question): boolean =>
	ruleThatAnswers([rule(text)], 'CLAUDE_1', question) !== undefined;

test.each([
	['Bash', 'rm -rf /', true],
	['Bash(npm test)', 'npm test', true],
	['Bash(npm test)', 'npm test -- x', false],
	['Bash(npm test *)', 'npm test -- x', true],
	['Bash(npm test *)', 'npm test x; rm -rf /', false],
	['Bash(npm test *)', 'npm test $(rm -rf /)', false],
	['Bash(npm test *)', 'npm test x\nrm -rf /', false],
	['Bash(npm test; make)', 'npm test; make', true],
	['Bash(cat src/*)', 'cat src/a.ts', true],
	['Bash(cat src/*)', 'cat src/../../secret', false],
	['Write(npm test)', 'npm test', false],
])('%s for %j: %s', (text, command, fits) => {
	expect(answers(text, bash(command))).toBe(fits);
});

test('a rule for a command does not allow more than to run it', () => {
	expect(answers('Bash(npm test)', bash('npm test', {description: 'tests', timeout: 1000}))).toBe(true);
	expect(answers('Bash(npm test)', bash('npm test', {dangerouslyDisableSandbox: true}))).toBe(false);
	expect(answers('Bash(npm test)', bash('npm test', {with_escalated_permissions: true}))).toBe(false);
});

test('a denial goes before a permission', () => {
	const rules = [rule('Bash'), rule('Bash(git push*)', {behavior: 'deny'})];
	expect(ruleThatAnswers(rules, 'CLAUDE_1', bash('git push --force; ls'))?.behavior).toBe('deny');
	expect(ruleThatAnswers(rules, 'CLAUDE_1', bash('git pull'))?.behavior).toBe('allow');
});

test('a rule for an agent is for no other', () => {
	const rules = [rule('Bash', {tag: 'CLAUDE_1'})];
	expect(ruleThatAnswers(rules, 'claude_1', bash('ls'))).toBeDefined();
	expect(ruleThatAnswers(rules, 'CLAUDE_2', bash('ls'))).toBeUndefined();
});

test('the rule for a question answers it again', () => {
	expect(ruleFor(bash('npm test'))).toBe('Bash(npm test)');
	// Of a tool that is not known, nothing less than the whole input says what it does.
	const other = (sql: string) => ({
		tool: 'mcp__db__run',
		input: JSON.stringify({description: 'reads', sql}),
		cwd: '/',
		rules: '[]',
	});
	const rule = ruleFor(other('select 1'));
	expect(answers(rule, other('select 1'))).toBe(true);
	expect(answers(rule, other('drop table t'))).toBe(false);
});
