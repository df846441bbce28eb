import {blockedForEver, type Task, type TaskAttempt} from '../../mailbox/task.ts';
import {percentOf} from '../../mailbox/tasks/task-standing.ts';
import {quotedText} from '../../quotation/agent-text.ts';
import {cutLine, shortTime} from '../../quotation/message-head.ts';
import {printableValue} from './answer.ts';
import {excerptOf, shorten} from './excerpt.ts';
import {listed} from './listed.ts';

/** Maximum bytes of a title, a note or an error: in a list, and of a single task. */
const maxText = {brief: 300, whole: 2000};
/** A name of a queue that cannot be taken for anything else in a line; others are quoted. */
const plainQueue = /^[\w.-]+$/;

/** The state of a task in one line, without any text by others. `below`: whether it stands below its plan. */
function taskHead(task: Task, below: boolean, stall: string | undefined): string {
	const {id, status, lease_owner, lease_until, assignee, depends_on, created_by, attempts, max_attempts} = task;
	const running = status === 'running';
	const who = lease_owner === null ? '' : ` by ${lease_owner}`;
	const whom = assignee === null || status !== 'queued' ? '' : ` for ${assignee}`;
	const far = running || (task.progress > 0 && task.progress < 1) ? ` ${percentOf(task)}` : '';
	const after = status === 'queued' && depends_on.length > 0 ? ` after ${listed(depends_on)}` : '';
	const blocked = blockedForEver(task) === null ? '' : ', blocked for ever';
	const facts = [
		...(running && lease_until !== null ? [`until ${shortTime(lease_until)}`] : []),
		...(attempts > 1 || status === 'dead' ? [`attempt ${attempts} of ${max_attempts}`] : []),
		...(task.queue === 'default' || !plainQueue.test(task.queue) ? [] : [`queue ${task.queue}`]),
		...(task.priority === 0 ? [] : [`priority ${task.priority}`]),
		...(task.parent_id === null || below ? [] : [`step of #${task.parent_id}`]),
		...(task.message_id === null ? [] : [`for message #${task.message_id}`]),
		`added by ${created_by ?? 'somebody with plain SQL'}`,
	];
	const stalled = stall === undefined ? '' : `, stalled: ${stall}`;
	return `#${id} ${status}${blocked}${who}${whom}${far}${after}, ${facts.join(', ')}${stalled}:`;
}

/** A task in a list, for reading: its state (with why it is stalled, if it is), then its title and notes, indented behind a bar. */
export function taskLines(
	task: Task,
	{below = false, max = maxText.brief, stall}: {below?: boolean; max?: number; stall?: string | undefined} = {},
): string[] {
	const {status, queue, title, note, last_error} = task;
	const why = blockedForEver(task) === null ? 'last error' : 'why';
	return [
		taskHead(task, below, stall),
		...quotedText(shorten(title, max)),
		...(plainQueue.test(queue) ? [] : labelled('queue', queue)),
		...(note === null || status === 'done' ? [] : labelled('note', shorten(note, max))),
		...(last_error === null ? [] : labelled(why, shorten(last_error, max))),
	];
}

function labelled(what: string, text: string): string[] {
	return [`  ${what}:`, ...quotedText(text)];
}

/** Maximum number of attempts that are listed; the newest. */
const maxAttempts = 10;

/** Who tried a task, when, and why each attempt ended. */
export function attemptLines(attempts: readonly TaskAttempt[]): string[] {
	return attempts.slice(-maxAttempts).flatMap(({attempt, owner, begun_at, ended_at, outcome, progress, reason}) => {
		const end = ended_at === null ? 'until now' : `to ${shortTime(ended_at)}, then ${outcome}`;
		const head = `  attempt ${attempt} by ${owner ?? 'somebody'}: ${shortTime(begun_at)} ${end}, ${percentOf({progress})}`;
		return [head, ...(reason === null ? [] : quotedText(shorten(reason, maxText.brief)))];
	});
}

/** A single task, for reading: also with its body and its result, as far as they fit into `room` bytes. */
export function wholeTaskLines(task: Task, room: number, stall?: string): string[] {
	const most = {body: Math.floor(room * 0.6), result: Math.floor(room * 0.3)};
	const {text, end} = excerptOf(task.body, most.body);
	const result = task.result === null ? '' : JSON.stringify(printableValue(task.result));
	const fits = Buffer.byteLength(JSON.stringify(result)) <= most.result;
	// PostgreSQL counts code points, JavaScript counts surrogate pairs as two.
	const pairs = task.body.slice(0, end).match(/[\u{10000}-\u{10FFFF}]/gu)?.length ?? 0;
	const missing = [
		...(end < task.body.length ? [`substr(body, ${end - pairs + 1})`] : []),
		...(fits ? [] : ['result']),
	];
	return [
		...taskLines(task, {max: maxText.whole, stall}),
		...(text === '' ? [] : labelled('body', text)),
		...(result === '' || !fits ? [] : labelled('result', result)),
		...(task.result_table === null ? [] : labelled('result table', task.result_table)),
		...(missing.length === 0 ? [] : [cutLine(`select ${missing.join(', ')} from tasks where id = ${task.id}`)]),
	];
}
