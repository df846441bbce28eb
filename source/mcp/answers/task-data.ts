import {z} from 'zod';
import {blockedForEver, taskStatuses, type Task} from '../../mailbox/task.ts';
import {percentOf} from '../../mailbox/tasks/task-standing.ts';
import {quotedText} from '../../quotation/agent-text.ts';
import {cutLine} from '../../quotation/message-head.ts';
import {excerptOf} from './excerpt.ts';
import {printableValue} from './answer.ts';
import {listed} from './listed.ts';

export const taskId = z.number().int().positive();
export const queueSchema = z.string().min(1).max(64);

export const taskSchema = z.object({
	id: z.number().int(),
	queue: z.string(),
	title: z.string(),
	status: z.enum(taskStatuses),
	priority: z.number().int(),
	progress: z.number().describe('0 to 1.'),
	note: z.string().optional().describe("Its owner's last progress note."),
	owner: z.string().optional().describe('Who is working on it.'),
	assignee: z.string().optional().describe('The only agent that may claim it.'),
	lease_until: z.string().optional().describe('When it is put back into the queue, unless its owner renews the lease.'),
	attempts: z.number().int(),
	max_attempts: z.number().int(),
	parent_id: z.number().int().optional().describe('The plan that it is a step of.'),
	position: z.number().int(),
	depends_on: z.array(z.number().int()),
	result_table: z.string().optional(),
	last_error: z.string().optional(),
	message_id: z.number().int().optional().describe('The message that asked for it.'),
	created_by: z.string().optional().describe('Who added it; absent if it was added by plain SQL.'),
	updated_at: z.string(),
});

/** Any JSON object. Some clients reject a schema that allows any value; this one allows only objects. */
export const anyObject = z.record(z.string(), z.unknown()).meta({additionalProperties: true});

/** A single task: with its body and its result, as far as they fit. */
export const wholeTaskSchema = taskSchema.extend({
	body: z.string().optional(),
	result: anyObject.optional().describe('Its result; if that is not an object, it is in `value`.'),
	rest: z.string().optional().describe('If something was cut: the SQL that reads it.'),
});

type TaskData = z.infer<typeof taskSchema>;
type WholeTaskData = z.infer<typeof wholeTaskSchema>;

/** Maximum characters of a title, a note or an error in a list of tasks. */
const briefLength = 300;
/** Maximum characters of the texts of a single task. */
const room = {body: 24_000, result: 12_000, other: 2000};

/** A task in a list: without its body and its result, and with longer texts cut. */
export function briefTask(task: Task): TaskData {
	return dataOf(task, briefLength);
}

/** The task with its body and its result, as far as they fit. */
export function wholeTask(task: Task): WholeTaskData {
	const {text, end} = excerptOf(task.body, room.body);
	const result = resultOf(task);
	const fits = result === undefined || JSON.stringify(result).length <= room.result;
	// PostgreSQL counts code points, JavaScript counts surrogate pairs as two.
	const pairs = task.body.slice(0, end).match(/[\u{10000}-\u{10FFFF}]/gu)?.length ?? 0;
	const rest = end < task.body.length ? [`substr(body, ${end - pairs + 1})`] : [];
	const missing = [...rest, ...(fits ? [] : ['result'])];
	return {
		...dataOf(task, room.other),
		body: text === '' ? undefined : text,
		result: fits ? result : undefined,
		rest: missing.length === 0 ? undefined : `select ${missing.join(', ')} from tasks where id = ${task.id}`,
	};
}

function resultOf({result}: Task): {[name: string]: unknown} | undefined {
	if (result === null) return undefined;
	const object = typeof result === 'object' && !Array.isArray(result) ? result : {value: result};
	return printableValue(object) as {[name: string]: unknown};
}

function dataOf(task: Task, max: number): TaskData {
	const {id, queue, title, status, priority, progress, note, lease_owner, lease_until, attempts, max_attempts} = task;
	const {parent_id, position, depends_on, result_table, last_error, message_id, assignee, created_by, updated_at} =
		task;
	return {
		id,
		queue,
		title: shorten(title, max),
		status,
		priority,
		progress,
		note: note === null ? undefined : shorten(note, max),
		owner: lease_owner ?? undefined,
		assignee: assignee ?? undefined,
		lease_until: lease_until ?? undefined,
		attempts,
		max_attempts,
		parent_id: parent_id ?? undefined,
		position,
		depends_on: [...depends_on],
		result_table: result_table ?? undefined,
		last_error: last_error === null ? undefined : shorten(last_error, max),
		message_id: message_id ?? undefined,
		created_by: created_by ?? undefined,
		updated_at,
	};
}

/** The state of a task in one line, without any text by others. */
function taskHead(task: Task): string {
	const {id, status, lease_owner, assignee, depends_on, created_by} = task;
	const who = lease_owner === null ? '' : ` by ${lease_owner}`;
	const whom = assignee === null || status !== 'queued' ? '' : ` for ${assignee}`;
	const far = status === 'running' ? ` ${percentOf(task)}` : '';
	const after = status === 'queued' && depends_on.length > 0 ? ` after ${listed(depends_on)}` : '';
	const blocked = blockedForEver(task) === null ? '' : ', blocked for ever';
	return `#${id} ${status}${blocked}${who}${whom}${far}${after}, added by ${created_by ?? 'somebody with plain SQL'}:`;
}

/** A task in a list, for reading: its state, then its title and notes, indented behind a bar. */
export function taskLines(task: Task): string[] {
	const {status, title, note, last_error} = task;
	return [
		taskHead(task),
		...quotedText(shorten(title, briefLength)),
		...(note === null || status !== 'running' ? [] : labelled('note', shorten(note, briefLength))),
		...(last_error === null
			? []
			: labelled(blockedForEver(task) === null ? 'last error' : 'why', shorten(last_error, briefLength))),
	];
}

function labelled(what: string, text: string): string[] {
	return [`  ${what}:`, ...quotedText(text)];
}

/** A single task, for reading: also with its body and its result, as far as they fit. */
export function wholeTaskLines(task: Task): string[] {
	const {body, result, rest} = wholeTask(task);
	return [
		...taskLines(task),
		...(body === undefined ? [] : labelled('body', body)),
		...(result === undefined ? [] : labelled('result', JSON.stringify(result))),
		...(task.result_table === null ? [] : labelled('result table', task.result_table)),
		...(rest === undefined ? [] : [cutLine(rest)]),
	];
}

function shorten(whole: string, max: number): string {
	const {text, end} = excerptOf(whole, max);
	return end < whole.length ? `${text}…` : text;
}
