import {UsageError} from '../mailbox/error.ts';
import type {Json} from '../mailbox/json.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {taskStatuses, type Task, type TaskStatus} from '../mailbox/task.ts';
import {nearest} from '../mailbox/nearest.ts';
import type {Command, Invocation} from './command.ts';
import {withMailbox} from './connect.ts';
import {remark, table, write, writeJson} from './output.ts';
import {countFlag, idFlag, idWord, tagFlag, textFlag, textOf} from './values.ts';

type Flags = Invocation['flags'];

/** What a subcommand results in: a row, a list, or that there was nothing to take. */
type Outcome = Task | readonly Task[] | null;
type Action = (mailbox: Mailbox) => Promise<Outcome>;

/** Reads words and flags before anything is opened, so that wrong usage costs nothing. */
const actions: {readonly [name: string]: (words: readonly string[], flags: Flags) => Action} = {
	list: listAction,
	add: addAction,
	claim: claimAction,
	progress: progressAction,
	finish: finishAction,
	cancel: cancelAction,
};

const command: Command = {
	summary: 'the shared task board: list, add, claim, progress, finish, cancel',
	help: `
		The task board that agents and the human share.

		Usage
		  agentmux tasks [list] [--status S]... [--queue Q] [--owner TAG] [-n N]
		  agentmux tasks add TITLE [--body TEXT] [--queue Q] [--priority N] [--parent ID] [--position N]
		                           [--depends-on ID]... [--attempts N] [--run-at TIME] [--key KEY] [--message ID]
		  agentmux tasks claim [ID] [--queue Q] [--lease SECONDS]
		  agentmux tasks progress ID FRACTION --token N [--note TEXT]
		  agentmux tasks finish ID --token N [--failed [--error TEXT]] [--result JSON] [--result-table TABLE]
		  agentmux tasks cancel ID

		  --as TAG      act as that agent (AGENTMUX_TAG when absent)
		  --token N     which claim this is about, as claim printed it: a late owner is refused
		  --key KEY     adding twice under one key in one queue adds it once
		  --json        the row, or one JSON array of the rows

		claim prints nothing and exits 0 when no task is ready.

		Examples
		  agentmux tasks add "Port the parser" --body "see docs/parser.md" --priority 5
		  agentmux tasks claim --as CLAUDE_1
		  agentmux tasks finish 7 --token 1 --as CLAUDE_1 --result '{"commit": "abc123"}'
	`,
	flags: {
		as: {type: 'string'},
		json: {type: 'boolean'},
		status: {type: 'string', isMultiple: true},
		queue: {type: 'string'},
		owner: {type: 'string'},
		lines: {type: 'string', shortFlag: 'n'},
		body: {type: 'string'},
		priority: {type: 'string'},
		parent: {type: 'string'},
		position: {type: 'string'},
		dependsOn: {type: 'string', isMultiple: true},
		attempts: {type: 'string'},
		runAt: {type: 'string'},
		key: {type: 'string'},
		message: {type: 'string'},
		lease: {type: 'string'},
		token: {type: 'string'},
		note: {type: 'string'},
		failed: {type: 'boolean'},
		error: {type: 'string'},
		result: {type: 'string'},
		resultTable: {type: 'string'},
	},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [name = 'list', ...words] = input;
		const prepare = Object.hasOwn(actions, name) ? actions[name] : undefined;
		if (prepare === undefined) throw unknownAction(name);
		const act = prepare(words, flags);
		await withMailbox(invocation, {as: tagFlag(flags, 'as')}, async mailbox => {
			const outcome = await act(mailbox);
			if (flags['json'] === true) return writeJson(stdout, outcome);
			const tasks = outcome === null ? [] : isList(outcome) ? outcome : [outcome];
			if (tasks.length > 0) return write(stdout, taskTable(stdout, tasks, name === 'claim'));
			return remark(stderr, name === 'claim' ? 'No task is ready.' : 'There are no such tasks.');
		});
	},
};

export default command;

function isList(outcome: Task | readonly Task[]): outcome is readonly Task[] {
	return Array.isArray(outcome);
}

function unknownAction(name: string): UsageError {
	const near = nearest(name, Object.keys(actions));
	return new UsageError(
		`tasks cannot \`${name}\`.`,
		near === null
			? 'See `agentmux tasks --help`.'
			: `Did you mean \`agentmux tasks ${near}\`? See \`agentmux tasks --help\`.`,
	);
}

function taskTable(stdout: NodeJS.WriteStream, tasks: readonly Task[], claimed: boolean): string {
	const rows = tasks.map(({id, status, progress, lease_owner, lease_token, queue, title}) => [
		`#${id}`,
		...(claimed ? [String(lease_token)] : []),
		status === 'running' ? `running ${Math.round(progress * 100)}%` : status,
		lease_owner ?? '',
		queue,
		title,
	]);
	return table(stdout, ['ID', ...(claimed ? ['TOKEN'] : []), 'STATUS', 'OWNER', 'QUEUE', 'TITLE'], rows);
}

function listAction(words: readonly string[], flags: Flags): Action {
	noMore(words);
	const status = texts(flags['status']).map(asStatus);
	const filter = given({
		status: status.length === 0 ? undefined : status,
		queue: textFlag(flags, 'queue'),
		owner: tagFlag(flags, 'owner'),
		limit: countFlag(flags, 'lines'),
	});
	return mailbox => mailbox.tasks.list(filter);
}

function addAction(words: readonly string[], flags: Flags): Action {
	const depends = texts(flags['dependsOn']).map(text => idWord(text, 'task that it depends on'));
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
			run_at: timeFlag(flags, 'run-at', 'runAt'),
			idem_key: textFlag(flags, 'key'),
			message_id: idFlag(flags, 'message'),
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
		throw new UsageError('Say how far it is.', 'A number from 0 to 1: agentmux tasks progress 7 0.5 --token 1');
	}
	const token = claimToken(flags);
	return mailbox => mailbox.tasks.progress(id, token, progress, textFlag(flags, 'note'));
}

function finishAction([word, ...more]: readonly string[], flags: Flags): Action {
	noMore(more);
	const id = idWord(word, 'task');
	const token = claimToken(flags);
	const outcome = {
		ok: flags['failed'] !== true,
		...given({
			result: jsonFlag(flags, 'result'),
			result_table: textFlag(flags, 'resultTable'),
			error: textFlag(flags, 'error'),
		}),
	};
	return mailbox => mailbox.tasks.finish(id, token, outcome);
}

function cancelAction([word, ...more]: readonly string[]): Action {
	noMore(more);
	const id = idWord(word, 'task');
	return mailbox => mailbox.tasks.cancel(id);
}

function noMore(words: readonly string[]): void {
	if (words.length > 0) throw new UsageError(`\`${words.join(' ')}\` is too much.`, 'See `agentmux tasks --help`.');
}

function claimToken(flags: Flags): number {
	const token = countFlag(flags, 'token');
	if (token === undefined) {
		throw new UsageError(
			'Say which claim it is about.',
			'Use --token N with the token that `agentmux tasks claim` printed.',
		);
	}
	return token;
}

function asStatus(text: string): TaskStatus {
	const status = taskStatuses.find(status => status === text);
	if (status === undefined)
		throw new UsageError(`There is no status \`${text}\`.`, `There are: ${taskStatuses.join(', ')}.`);
	return status;
}

/** A whole number of either sign. */
function wholeFlag(flags: Flags, name: string): number | undefined {
	const text = textFlag(flags, name);
	if (text === undefined || /^-?\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
	throw new UsageError(`--${name} is \`${text}\`, which is not a whole number.`);
}

function timeFlag(flags: Flags, written: string, name: string): string | undefined {
	const text = textFlag(flags, name);
	if (text === undefined) return undefined;
	const time = new Date(text);
	if (Number.isNaN(time.getTime())) {
		throw new UsageError(`--${written} is \`${text}\`, which is not a time.`, 'Write it as 2026-01-31T18:00:00Z.');
	}
	return time.toISOString();
}

function jsonFlag(flags: Flags, name: string): Json | undefined {
	const text = textFlag(flags, name);
	if (text === undefined) return undefined;
	try {
		return JSON.parse(text) as Json;
	} catch (error) {
		throw new UsageError(
			`--${name} is not JSON: ${(error as Error).message}.`,
			`A text needs quotes: --${name} '"done"'`,
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
