import {inputFields, tellingField, type Question} from './approval.ts';
import {sameTag, type Tag} from './tag.ts';

/** What a human has decided for all requests like one, in this home. */
export interface ApprovalRule {
	/** `Bash(npm test)`: the tool, and what it may be used for; without parentheses, for anything. */
	readonly rule: string;
	readonly behavior: 'allow' | 'deny';
	/** The agent; null for every agent. */
	readonly tag: Tag | null;
	/** ISO 8601. */
	readonly since: string;
}

/**
 * A rule is the name of a tool, or the name and what it is used for in parentheses: the whole command, path or address; with `*` at its
 * end everything that begins so.
 */
const form = /^([A-Za-z][\w.-]*)(?:\(([^]+)\))?$/;

/** Whether the text is a rule. */
export function isRule(text: string): boolean {
	return form.test(text) && text.length <= 2000;
}

/** What a shell can do more with than run one program with these words. */
const shellSigns = /[;&|<>$`\\\n\r(){}!#~*?[\]"']/;

/** The rule for the like of one request: this tool, for exactly this. */
export function ruleFor({tool, input}: Question): string {
	const value = tellingField(input)?.value;
	return value === undefined ? tool : `${tool}(${value})`;
}

/**
 * The rule that answers a question of an agent, if there is one. A denial goes before a permission, and a rule for the agent before
 * one for all.
 */
export function ruleThatAnswers(
	rules: readonly ApprovalRule[],
	tag: Tag,
	question: Question,
): ApprovalRule | undefined {
	const fitting = rules.filter(rule => (rule.tag === null || sameTag(rule.tag, tag)) && fits(rule, question));
	const weight = (rule: ApprovalRule): number => (rule.behavior === 'deny' ? 2 : 0) + (rule.tag === null ? 0 : 1);
	return fitting.toSorted((one, other) => weight(other) - weight(one))[0];
}

/** The fields of a shell tool's input that change nothing of what its command may do. */
const harmless = new Set([
	'command',
	'description',
	'timeout',
	'timeout_ms',
	'run_in_background',
	'workdir',
	'justification',
]);

/** Whether a command asks for more than to be run, such as to be run outside the sandbox: a rule for the command does not allow that. */
function asksForMore(input: string): boolean {
	const fields = inputFields(input);
	return fields.some(({name}) => name === 'command') && fields.some(({name}) => !harmless.has(name));
}

/**
 * Whether the question is what the rule is about. A command with signs of the shell is only allowed as a whole: `npm *` is not meant to
 * allow `npm test; rm -rf .`. A path that goes up is only allowed as a whole, too.
 */
function fits({rule, behavior}: ApprovalRule, {tool, input}: Question): boolean {
	const [, name, use] = form.exec(rule) ?? [];
	if (name !== tool) return false;
	if (use === undefined) return true;
	if (behavior === 'allow' && asksForMore(input)) return false;
	const value = tellingField(input)?.value;
	if (value === undefined) return false;
	if (value === use) return true;
	if (!use.endsWith('*')) return false;
	const start = use.slice(0, -1);
	if (!value.startsWith(start)) return false;
	if (behavior === 'deny') return true;
	const rest = value.slice(start.length);
	return !shellSigns.test(rest) && !rest.split('/').includes('..');
}
