import {z} from 'zod';
import {blockedForEver, taskStatuses, type Task} from '../../mailbox/task.ts';
import {percentOf} from '../../mailbox/tasks/task-standing.ts';
import {quotedText} from '../../quotation/agent-text.ts';
import {cutLine} from '../../quotation/message-head.ts';
import {excerptOf} from './excerpt.ts';
import {visible} from './answer.ts';
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
	note: z.string().optional().describe('What its owner last said about how it goes.'),
	owner: z.string().optional().describe('Who works on it now.'),
	assignee: z.string().optional().describe('Only this one may claim it.'),
	lease_until: z.string().optional().describe('When it is put back unless its owner gives a sign of life before.'),
	attempts: z.number().int(),
	max_attempts: z.number().int(),
	parent_id: z.number().int().optional().describe('The plan that it is a step of.'),
	position: z.number().int(),
	depends_on: z.array(z.number().int()),
	result_table: z.string().optional(),
	last_error: z.string().optional(),
	message_id: z.number().int().optional().describe('The message that it was asked for in.'),
	created_by: z.string().optional().describe('Who added it; absent: somebody with plain SQL.'),
	updated_at: z.string(),
});

/** A JSON object with whatever in it; clients that look for schemas which allow everything find none here. */
export const anyObject = z.record(z.string(), z.unknown()).meta({additionalProperties: true});

/** A task as it is shown alone: with its texts and its result, as far as they fit. */
export const wholeTaskSchema = taskSchema.extend({
	body: z.string().optional(),
	result: anyObject.optional().describe('What came of it; what is no object stands in `value`.'),
	rest: z.string().optional().describe('Only where something was cut: the SQL that reads it.'),
});

type TaskData = z.infer<typeof taskSchema>;
type WholeTaskData = z.infer<typeof wholeTaskSchema>;

/** Characters of a title, a note or an error where many tasks are shown. */
const glance = 300;
/** Characters of an answer for the body of one task, and for its result. */
const room = {body: 24_000, result: 12_000, other: 2000};

/** The task as one of many: without its body and its result, and its longer texts cut. */
export function taskAtAGlance(task: Task): TaskData {
	return dataOf(task, glance);
}

/** The task with its body and its result, as far as they fit. */
export function wholeTask(task: Task): WholeTaskData {
	const {text, end} = excerptOf(task.body, room.body);
	const result = resultOf(task);
	const fits = result === undefined || JSON.stringify(result).length <= room.result;
	// PostgreSQL counts whole characters, JavaScript some of them twice.
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
	return visible(object) as {[name: string]: unknown};
}

function dataOf(task: Task, most: number): TaskData {
	const {id, queue, title, status, priority, progress, note, lease_owner, lease_until, attempts, max_attempts} = task;
	const {parent_id, position, depends_on, result_table, last_error, message_id, assignee, created_by, updated_at} =
		task;
	return {
		id,
		queue,
		title: shorten(title, most),
		status,
		priority,
		progress,
		note: note === null ? undefined : shorten(note, most),
		owner: lease_owner ?? undefined,
		assignee: assignee ?? undefined,
		lease_until: lease_until ?? undefined,
		attempts,
		max_attempts,
		parent_id: parent_id ?? undefined,
		position,
		depends_on: [...depends_on],
		result_table: result_table ?? undefined,
		last_error: last_error === null ? undefined : shorten(last_error, most),
		message_id: message_id ?? undefined,
		created_by: created_by ?? undefined,
		updated_at,
	};
}

/** How a task stands, in one line without a word of anybody's. */
function taskHead(task: Task): string {
	const {id, status, lease_owner, assignee, depends_on, created_by} = task;
	const who = lease_owner === null ? '' : ` by ${lease_owner}`;
	const whom = assignee === null || status !== 'queued' ? '' : ` for ${assignee}`;
	const far = status === 'running' ? ` ${percentOf(task)}` : '';
	const after = status === 'queued' && depends_on.length > 0 ? ` after ${listed(depends_on)}` : '';
	const blocked = blockedForEver(task) === null ? '' : ', blocked for ever';
	return `#${id} ${status}${blocked}${who}${whom}${far}${after}, added by ${created_by ?? 'somebody with plain SQL'}:`;
}

/** A task for reading, as one of many: how it stands, then its title and what was said about it behind the gutter. */
export function taskLines(task: Task): string[] {
	const {status, title, note, last_error} = task;
	return [
		taskHead(task),
		...quotedText(shorten(title, glance)),
		...(note === null || status !== 'running' ? [] : said('note', shorten(note, glance))),
		...(last_error === null
			? []
			: said(blockedForEver(task) === null ? 'last error' : 'why', shorten(last_error, glance))),
	];
}

function said(what: string, text: string): string[] {
	return [`  ${what}:`, ...quotedText(text)];
}

/** The same with its body and its result, as far as they fit. */
export function wholeTaskLines(task: Task): string[] {
	const {body, result, rest} = wholeTask(task);
	return [
		...taskLines(task),
		...(body === undefined ? [] : said('body', body)),
		...(result === undefined ? [] : said('result', JSON.stringify(result))),
		...(task.result_table === null ? [] : said('result table', task.result_table)),
		...(rest === undefined ? [] : [cutLine(rest)]),
	];
}

function shorten(whole: string, most: number): string {
	const {text, end} = excerptOf(whole, most);
	return end < whole.length ? `${text}…` : text;
}
