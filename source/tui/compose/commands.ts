import {isTag, type Tag} from '../../mailbox/tag.ts';
import type {Task, TaskDraft} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {isKnownTag} from '../../store/delivery.ts';
import type {State} from '../../store/state.ts';
import type {Compose} from '../model/ui.ts';
import type {ComposeContext} from '../model/draft.ts';

/** A line that begins with `/` and is no message. */
export interface Command {
	readonly name: string;
	/** What stands behind its name. */
	readonly usage: string;
	readonly about: string;
	/** What Enter will do with what was typed so far. */
	readonly explain: (rest: string, state: State) => string;
	/** What is wrong with it, in a sentence; null: it can run. */
	readonly fault: (rest: string) => string | null;
	/** Resolves with a sentence that says what came of it. Rejects with MailboxError. */
	readonly run: (rest: string, context: ComposeContext, compose: Compose) => Promise<string>;
}

const maxTitle = 1000;

/** Every command of the compose line; its help and its completion are read from here. */
export const commands: readonly Command[] = [
	{
		name: 'task',
		usage: '[@TAG] TITLE',
		about: 'adds a task, with @TAG for that one alone',
		explain(rest, state) {
			const {assignee, title, body} = taskIn(rest);
			if (assignee !== undefined && !isKnownTag(state, assignee)) return `a task for ${assignee}, which never joined`;
			const whom = assignee === undefined ? 'whoever asks first' : assignee;
			if (title === '')
				return assignee === undefined ? 'a task: its title, then its text on further lines' : `a task for ${whom}`;
			return `adds a task for ${whom}${body === '' ? '' : ', with a text'}`;
		},
		fault: rest => titleFault(taskIn(rest).title, 'A task'),
		async run(rest, {store}, compose) {
			const draft: TaskDraft = {...taskIn(rest), ...originOf(compose), idem_key: crypto.randomUUID()};
			const [task] = await store.changeTasks(tasks => tasks.add(draft));
			return added(task);
		},
	},
	{
		name: 'plan',
		usage: 'TITLE, then a step a line',
		about: 'adds a plan, whose steps are done in order',
		explain(rest) {
			const {title, steps} = planIn(rest);
			if (title === '') return 'a plan: its title, then a step on each further line';
			return steps.length === 0
				? '^J, then a step on each line'
				: `adds a plan of ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`;
		},
		fault(rest) {
			const {title, steps} = planIn(rest);
			if (title !== '' && steps.length === 0) return 'A plan needs steps: one on each further line (^J).';
			if (steps.length > 100) return `A plan may have 100 steps, and this one has ${steps.length}.`;
			const long = steps.find(step => step.length > maxTitle);
			return titleFault(title, 'A plan') ?? (long === undefined ? null : titleFault(long, 'A step'));
		},
		async run(rest, {store}, compose) {
			const {title, steps} = planIn(rest);
			const draft = {title, ...originOf(compose), idem_key: crypto.randomUUID()};
			const [plan] = await store.changeTasks(tasks =>
				tasks.plan(
					draft,
					steps.map(step => ({title: step})),
					true,
				),
			);
			return added(plan);
		},
	},
];

/** The command that a draft is, or why it is none; null for a message. `//` begins a message that begins with `/`. */
export function commandIn(
	text: string,
): {readonly command: Command; readonly rest: string} | {readonly fault: string} | null {
	if (!text.startsWith('/') || text.startsWith('//')) return null;
	const [, name = '', rest = ''] = /^\/(\S*)\s?([^]*)$/.exec(text) ?? [];
	const command = commands.find(each => each.name === name.toLowerCase());
	if (command !== undefined) return {command, rest: rest.trim()};
	const all = commands.map(each => `/${each.name}`).join(' and ');
	return {
		fault: `There is no /${printable(name.slice(0, 20))}, only ${all}. A message that begins with / is written //.`,
	};
}

/** The message that a draft is: without the `/` that said it is no command. */
export function messageIn(text: string): string {
	return text.startsWith('//') ? text.slice(1) : text;
}

function taskIn(rest: string): {readonly title: string; readonly body: string; readonly assignee?: Tag} {
	const [, named = '', text = ''] = /^(?:@(\S+)(?:\s+|$))?([^]*)$/.exec(rest) ?? [];
	const isAssigned = isTag(named);
	const [title = '', ...lines] = (isAssigned ? text : rest).split('\n');
	const task = {title: title.trim(), body: lines.join('\n').trim()};
	return isAssigned ? {...task, assignee: named} : task;
}

function planIn(rest: string): {readonly title: string; readonly steps: readonly string[]} {
	const [title = '', ...lines] = rest.split('\n');
	const steps = lines.map(line => line.replace(/^\s*(?:[-*•]|\d+[.)])?\s*/, '').trimEnd()).filter(line => line !== '');
	return {title: title.trim(), steps};
}

/** The message that is being answered is what the task was asked for in. */
function originOf({reply}: Compose): {readonly message_id?: number} {
	return reply === null ? {} : {message_id: reply.id};
}

function titleFault(title: string, what: string): string | null {
	if (title === '') return `${what} needs a title.`;
	if (title.length <= maxTitle) return null;
	return `${what}'s title may have ${maxTitle.toLocaleString('en')} letters: the rest goes onto further lines.`;
}

function added(task: Task | undefined): string {
	if (task === undefined) return 'It was added.';
	const whom = task.assignee === null ? '' : ` for ${printable(task.assignee)}`;
	return `Task #${task.id} is queued${whom}.`;
}
