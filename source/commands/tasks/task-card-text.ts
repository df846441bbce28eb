import type {Json} from '../../mailbox/json.ts';
import type {TaskChange} from '../../mailbox/state-change.ts';
import {maxRows} from '../../mailbox/table.ts';
import {waitOf, type TaskAttempt} from '../../mailbox/task.ts';
import {briefStanding, percentOf, standing} from '../../mailbox/tasks/task-standing.ts';
import {joinPrintable, p, printable, printableLines, type Printable} from '../../printable.ts';
import {timeOf} from '../cli/message-text.ts';
import {styled, table, write} from '../cli/output.ts';
import type {TaskWithSteps, TaskCard} from './task-card.ts';

/** Prints the card without empty fields. Texts by others are indented behind a bar. */
export async function writeCard(stdout: NodeJS.WriteStream, card: TaskCard): Promise<void> {
	const heading = (words: Printable): Printable => p`\n${styled(stdout, 'bold', words)}\n`;
	const gutter = styled(stdout, 'dim', p`  │ `);
	const text = (value: string): Printable => joinPrintable(printableLines(value).map(line => p`${gutter}${line}\n`));
	const parts = [
		p`${styled(stdout, 'dim', p`#${card.id}`)}  ${styled(stdout, 'bold', printable(card.title))}\n`,
		...fieldsOf(card).map(
			([label, value]) => p`${styled(stdout, 'dim', printable(label).padEnd(11))}${printable(value)}\n`,
		),
	];
	if (card.body.trim() !== '') parts.push(p`\n`, text(card.body));
	if (card.steps.length > 0) parts.push(heading(p`steps`), stepLines(card.steps, 1));
	if (card.attempts_made.length > 0)
		parts.push(heading(p`attempts`), ...card.attempts_made.map(attempt => attemptLine(stdout, attempt)));
	if (card.result !== null) parts.push(heading(p`result`), text(resultText(card.result)));
	if (card.result_table !== null) parts.push(heading(printable(card.result_table)), rowLines(stdout, card));
	if (card.events.length > 0) parts.push(heading(p`events`), ...card.events.map(event => eventLine(stdout, event)));
	await write(stdout, joinPrintable(parts));
}

function fieldsOf(task: TaskCard): ReadonlyArray<readonly [label: string, value: string]> {
	const {status, progress, lease_owner, lease_until, lease_token, run_at, depends_on, parent_id} = task;
	const far = progress > 0 && progress < 1 ? percentOf(task) : '';
	const isLater = status === 'queued' && waitOf(task, Date.now()) > 0;
	const fields: ReadonlyArray<readonly [string, string | null]> = [
		['status', standing(task, task.steps, far)],
		['stalled', task.stalled],
		['owner', lease_owner === null ? null : `${lease_owner}, claim ${lease_token}`],
		['lease', lease_until === null ? null : `until ${timeOf(lease_until)}`],
		['not before', isLater && run_at !== null ? timeOf(run_at) : null],
		['for', task.assignee === null ? null : `${task.assignee} only`],
		['queue', task.queue],
		['priority', String(task.priority)],
		['step of', parent_id === null ? null : `#${parent_id}`],
		['after', depends_on.length === 0 ? null : depends_on.map(id => `#${id}`).join(', ')],
		['added', `${timeOf(task.created_at)} by ${task.created_by ?? 'plain SQL'}`],
		['asked in', task.message_id === null ? null : `#${task.message_id}`],
		['changed', task.updated_at === task.created_at ? null : timeOf(task.updated_at)],
		['key', task.idem_key],
		['note', task.note],
		['error', task.last_error],
	];
	return fields.flatMap(([label, value]) => (value === null || value === '' ? [] : [[label, value] as const]));
}

function stepLines(steps: readonly TaskWithSteps[], depth: number): Printable {
	return joinPrintable(
		steps.map(step => {
			const owner = step.lease_owner === null ? '' : `  ${step.lease_owner}`;
			const line = printable(`#${step.id}  ${briefStanding(step)}${owner}  ${step.title}`);
			return p`${p`  `.repeat(depth)}${line}\n${stepLines(step.steps, depth + 1)}`;
		}),
	);
}

function resultText(result: Json): string {
	return typeof result === 'string' ? result : JSON.stringify(result, null, 2);
}

function rowLines(stdout: NodeJS.WriteStream, {rows, rows_error}: TaskCard): Printable {
	if (rows === null) return p`  ${printable(rows_error ?? '')}\n`;
	if (rows.length === 0) return p`  no rows\n`;
	const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
	const cells = rows.map(row => names.map(name => cellOf(row[name])));
	const more = rows.length >= maxRows ? styled(stdout, 'dim', p`the first ${maxRows} rows\n`) : '';
	return p`${table(stdout, names, cells)}${more}`;
}

function cellOf(value: Json | undefined): string {
	if (value === undefined || value === null) return '';
	return typeof value === 'string' ? value : JSON.stringify(value);
}

function attemptLine(stdout: NodeJS.WriteStream, attempt: TaskAttempt): Printable {
	const {owner, begun_at, ended_at, outcome, reason} = attempt;
	const end = ended_at === null ? p` still running` : p` to ${timeOf(ended_at)}, then ${outcome ?? ''}`;
	const why = reason === null ? p`` : p`: ${printable(reason)}`;
	const head = p`${attempt.attempt}  ${printable(owner ?? '')}  ${printable(percentOf(attempt))}`;
	return p`${head}  ${styled(stdout, 'dim', timeOf(begun_at))}${end}${why}\n`;
}

function eventLine(stdout: NodeJS.WriteStream, event: Omit<TaskChange, 'kind'>): Printable {
	const {at, task_id, tag, state, progress} = event;
	const part = state === 'running' && progress > 0 ? p` ${printable(percentOf(event))}` : '';
	const who = tag === null ? '' : p`  ${printable(tag)}`;
	return p`${styled(stdout, 'dim', timeOf(at))}  #${task_id} ${state}${part}${who}\n`;
}
