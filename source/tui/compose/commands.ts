import {isTag, type Tag} from '../../mailbox/tag.ts';
import type {Task, TaskDraft} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {isKnownTag} from '../../store/delivery.ts';
import type {State} from '../../store/state.ts';
import type {Compose} from '../model/ui.ts';
import type {ComposeContext} from '../model/draft.ts';

/** A command: a draft that begins with `/`. */
export interface Command {
	readonly name: string;
	/** Its arguments, for the completion list. */
	readonly usage: string;
	readonly about: string;
	/** What Enter would do with the text typed so far. */
	readonly explain: (rest: string, state: State) => string;
	/** Why it cannot run, in one sentence; null if it can. */
	readonly fault: (rest: string) => string | null;
	/** Resolves with a sentence about the result. Rejects with MailboxError. */
	readonly run: (rest: string, context: ComposeContext, compose: Compose) => Promise<string>;
}

const maxTitle = 1000;

/** Every command of the compose line; help and completion use this list. */
export const commands: readonly Command[] = [
	{
		name: 'task',
		usage: '[@TAG] TITLE',
		about: 'adds a task; with @TAG, for that agent only',
		explain(rest, state) {
			const {assignee, title, body} = taskIn(rest);
			if (assignee !== undefined && !isKnownTag(state, assignee)) return `a task for ${assignee}, which never joined`;
			const whom = assignee === undefined ? 'any agent' : assignee;
			if (title === '')
				return assignee === undefined ? 'a task: its title, then details on further lines' : `a task for ${whom}`;
			return `adds a task for ${whom}${body === '' ? '' : ', with details'}`;
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
		usage: 'TITLE, then one step per line',
		about: 'adds a plan; its steps run in order',
		explain(rest) {
			const {title, steps} = planIn(rest);
			if (title === '') return 'a plan: its title, then one step per line';
			return steps.length === 0
				? '^J, then one step per line'
				: `adds a plan of ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`;
		},
		fault(rest) {
			const {title, steps} = planIn(rest);
			if (title !== '' && steps.length === 0) return 'A plan needs steps: write one per line (^J) after the title.';
			if (steps.length > 100) return `A plan can have at most 100 steps; this one has ${steps.length}.`;
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

/** Parses a draft as a command, or says why it is not one; null for a message. `//` begins a message that starts with `/`. */
export function commandIn(
	text: string,
): {readonly command: Command; readonly rest: string} | {readonly fault: string} | null {
	if (!text.startsWith('/') || text.startsWith('//')) return null;
	const [, name = '', rest = ''] = /^\/(\S*)\s?([^]*)$/.exec(text) ?? [];
	const command = commands.find(each => each.name === name.toLowerCase());
	if (command !== undefined) return {command, rest: rest.trim()};
	const all = commands.map(each => `/${each.name}`).join(' and ');
	return {
		fault: `Unknown command /${printable(name.slice(0, 20))}; there are ${all}. To begin a message with /, write //.`,
	};
}

/** The message in a draft, without the `/` that escapes another one. */
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

/** A task added while replying was asked for in the message replied to. */
function originOf({reply}: Compose): {readonly message_id?: number} {
	return reply === null ? {} : {message_id: reply.id};
}

function titleFault(title: string, what: string): string | null {
	if (title === '') return `${what} needs a title.`;
	if (title.length <= maxTitle) return null;
	return `${what}'s title can have at most ${maxTitle.toLocaleString('en')} letters; put the rest on further lines.`;
}

function added(task: Task | undefined): string {
	if (task === undefined) return 'Added.';
	const whom = task.assignee === null ? '' : ` for ${printable(task.assignee)}`;
	return `Task #${task.id} is queued${whom}.`;
}
