import {UsageError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {taskStatuses, type Task, type TaskStatus} from '../../mailbox/task.ts';
import {listStanding} from '../../mailbox/tasks/task-standing.ts';
import type {Invocation} from '../cli/command.ts';
import type {FlagsBySubcommand} from '../cli/subcommand.ts';
import {asTag, countFlag, idFlag, idWord, tagFlag, textFlag, textOf, timeFlag} from '../cli/values.ts';

type Flags = Invocation['flags'];

/** The result of a subcommand: a row, a list, or null if there was nothing to claim. */
type Outcome = Task | readonly Task[] | null;
type Action = (mailbox: Mailbox) => Promise<Outcome>;

/** Each parses its arguments and flags before anything is opened, so that wrong usage fails early. */
export const taskActions: {readonly [name: string]: (words: readonly string[], flags: Flags) => Action} = {
	list: listAction,
	add: addAction,
	claim: claimAction,
	progress: progressAction,
	finish: finishAction,
	cancel: cancelAction,
	retry: retryAction,
	assign: assignAction,
	priority: priorityAction,
};

/** The flags of each, except --as and --json, which all accept. */
export const flagsOf: FlagsBySubcommand = {
	list: ['status', 'queue', 'owner', 'lines'],
	show: [],
	add: [
		'body',
		'queue',
		'priority',
		'parent',
		'position',
		'dependsOn',
		'attempts',
		'runAt',
		'key',
		'message',
		'assign',
	],
	claim: ['queue', 'lease'],
	progress: ['token', 'note'],
	finish: ['token', 'failed', 'dead', 'error', 'result', 'resultTable'],
	cancel: ['reason'],
	retry: ['reason'],
	assign: ['anybody'],
	priority: [],
};

function listAction(words: readonly string[], flags: Flags): Action {
	noMore(words);
	const status = texts(flags['status']).map(asStatus);
	const filter = given({
		status: status.length === 0 ? undefined : status,
		queue: textFlag(flags, 'queue'),
		owner: tagFlag(flags, 'owner'),
		limit: countFlag(flags, 'lines'),
	});
	return mailbox => listStanding(mailbox.tasks, filter);
}

function addAction(words: readonly string[], flags: Flags): Action {
	const depends = texts(flags['dependsOn']).map(text => idWord(text, 'task that it depends on'));
	const runAt = timeFlag(flags, 'runAt', 'future');
	const draft = {
		title: textOf(words, 'title'),
		...given({
			body: textFlag(flags, 'body'),
			queue: textFlag(flags, 'queue'),
			priority: wholeFlag(flags, 'priority'),
			parent_id: idFlag(flags, 'parent'),
			position: wholeFlag(flags, 'position'),
			depends_on: depends.length === 0 ? undefined : depends,
			max_attempts: countFlag(flags, 'attempts'),
			run_at: runAt === undefined ? undefined : new Date(runAt).toISOString(),
			idem_key: textFlag(flags, 'key'),
			message_id: idFlag(flags, 'message'),
			assignee: tagFlag(flags, 'assign'),
		}),
	};
	return mailbox => mailbox.tasks.add(draft);
}

function claimAction([word, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = word === undefined ? undefined : idWord(word, 'task');
	const claim = given({id, queue: textFlag(flags, 'queue'), lease: countFlag(flags, 'lease')});
	return mailbox => mailbox.tasks.claim(claim);
}

function progressAction([word, far, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const progress = Number(far);
	if (far === undefined || far.trim() === '' || !(progress >= 0 && progress <= 1)) {
		throw new UsageError('FRACTION must be a number from 0 to 1.', 'Example: agentmux tasks progress 7 0.5 --token 1');
	}
	const token = claimToken(flags);
	return mailbox => mailbox.tasks.progress(id, token, progress, textFlag(flags, 'note'));
}

function finishAction([word, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const token = claimToken(flags);
	const outcome = {
		ok: flags['failed'] !== true && flags['dead'] !== true,
		...given({
			dead: flags['dead'] === true ? true : undefined,
			result: jsonFlag(flags, 'result'),
			result_table: textFlag(flags, 'resultTable'),
			error: textFlag(flags, 'error'),
		}),
	};
	return mailbox => mailbox.tasks.finish(id, token, outcome);
}

function cancelAction([word, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const reason = textFlag(flags, 'reason');
	return mailbox => mailbox.tasks.cancel(id, reason);
}

function retryAction([word, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const reason = textFlag(flags, 'reason');
	return mailbox => mailbox.tasks.retry(id, reason);
}

function assignAction([word, to, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const anybody = flags['anybody'] === true;
	if (anybody === (to !== undefined)) {
		throw new UsageError('Give a tag to assign it to, or --anybody.', 'Example: agentmux tasks assign 7 CLAUDE_1');
	}
	const assignee = to === undefined ? null : asTag(to, 'the assignee');
	return mailbox => mailbox.tasks.assign(id, assignee);
}

function priorityAction([word, text, ...more]: readonly string[]): Action {
	noMore(more);
	const id = idWord(word, 'task');
	if (text === undefined || !/^[+-]?\d{1,9}$/.test(text)) {
		throw new UsageError(
			'The priority must be a whole number; the highest goes first.',
			'Example: agentmux tasks priority 7 5',
		);
	}
	const priority = Number(text);
	return mailbox => mailbox.tasks.prioritise(id, priority);
}

/** Throws UsageError if there are more arguments than an action accepts. */
export function noMore(words: readonly string[]): void {
	if (words.length > 0) throw new UsageError(`Unexpected argument \`${words[0]}\`.`, 'See `agentmux tasks --help`.');
}

function claimToken(flags: Flags): number {
	const token = countFlag(flags, 'token');
	if (token === undefined) {
		throw new UsageError('--token is missing.', 'Use --token N with the token that `agentmux tasks claim` printed.');
	}
	return token;
}

function asStatus(text: string): TaskStatus {
	const status = taskStatuses.find(status => status === text);
	if (status === undefined)
		throw new UsageError(`Unknown status \`${text}\`.`, `Choose from ${taskStatuses.join(', ')}.`);
	return status;
}

/** A whole number of either sign. */
function wholeFlag(flags: Flags, name: string): number | undefined {
	const text = textFlag(flags, name);
	if (text === undefined || /^-?\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
	throw new UsageError(`--${name} is \`${text}\`, which is not a whole number.`);
}

function jsonFlag(flags: Flags, name: string): Json | undefined {
	const text = textFlag(flags, name);
	if (text === undefined) return undefined;
	try {
		return JSON.parse(text) as Json;
	} catch (error) {
		throw new UsageError(
			`--${name} is not JSON: ${(error as Error).message}.`,
			`Text needs quotes: --${name} '"done"'`,
		);
	}
}

function texts(value: unknown): string[] {
	return Array.isArray(value) ? value.map(String) : [];
}

/** Without the fields that were not given. */
function given<T extends object>(fields: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
		[K in keyof T]?: Exclude<T[K], undefined>;
	};
}
