import {isTag, type Tag} from '../../mailbox/tag.ts';
import type {Task, TaskDraft} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {Compose} from '../model/ui.ts';
import type {ComposeContext} from '../model/draft.ts';
import {whoGetsIt, type Receiver} from './task-forecast.ts';

/** A command: a draft that begins with `/`. */
export interface Command {
	readonly name: string;
	/** Its arguments, for the completion list. */
	readonly usage: string;
	readonly about: string;
	/** What Enter would do with the text typed so far, in wordings from long to short. */
	readonly explain: (rest: string, state: State, now: number) => readonly string[];
	/** Why it cannot run, in one sentence; null if it can. */
	readonly fault: (rest: string) => string | null;
	/** Resolves with a sentence about the result. Rejects with MailboxError. */
	readonly run: (rest: string, context: ComposeContext, compose: Compose) => Promise<string>;
}

const maxTitle = 1000;

/** Every command of the compose line; help and completion use this list. */
const commands: readonly Command[] = [
	{
		name: 'task',
		usage: '[@TAG] TITLE',
		about: 'adds a task; with @TAG, for that agent only',
		explain(rest, state, now) {
			const {assignee, title, body} = taskIn(rest);
			if (title === '' && assignee === undefined) return ['a task: its title, then details on further lines'];
			const what = `${title === '' ? '' : 'adds '}a task${body === '' ? '' : ' with details'}`;
			return wordings(what, 'task', whoGetsIt(state, assignee, now));
		},
		fault: rest => titleFault(taskIn(rest).title, 'A task'),
		async run(rest, {store}, compose) {
			const draft: TaskDraft = {...taskIn(rest), ...originOf(compose), idem_key: crypto.randomUUID()};
			const [task] = await store.changeTasks(tasks => tasks.add(draft));
			return isAdded(task);
		},
	},
	{
		name: 'plan',
		usage: '[@TAG] TITLE, then one step per line',
		about: 'adds a plan; its steps run in order, with @TAG for that agent only',
		explain(rest, state, now) {
			const {assignee, title, steps} = planIn(rest);
			if (title === '' && assignee === undefined) return ['a plan: its title, then one step per line'];
			if (title !== '' && steps.length === 0) return ['^J, then one step per line'];
			const receiver = whoGetsIt(state, assignee, now);
			if (title === '') return wordings('a plan', 'plan', receiver);
			const many = `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`;
			return wordings(`adds a plan of ${many}`, many, receiver);
		},
		fault(rest) {
			const {title, steps} = planIn(rest);
			if (title !== '' && steps.length === 0) return 'A plan needs steps: write one per line (^J) after the title.';
			if (steps.length > 100) return `A plan can have at most 100 steps; this one has ${steps.length}.`;
			const long = steps.find(step => step.length > maxTitle);
			return titleFault(title, 'A plan') ?? (long === undefined ? null : titleFault(long, 'A step'));
		},
		async run(rest, {store}, compose) {
			const {steps, ...plan} = planIn(rest);
			const draft = {...plan, ...originOf(compose), idem_key: crypto.randomUUID()};
			const [added] = await store.changeTasks(tasks =>
				tasks.plan(
					draft,
					steps.map(step => ({title: step})),
					true,
				),
			);
			return isAdded(added);
		},
	},
];

/** What is added for whom, from long to short. */
function wordings(long: string, brief: string, receiver: Receiver): string[] {
	return [`${long} ${receiver.long}`, `${brief} ${receiver.long}`, `${brief}, ${receiver.brief}`, receiver.brief];
}

/** The prefix of an urgent message. Unlike a command, it sends a message, which waits for the connection like any other. */
const urgent = {name: 'urgent', usage: '[@TAG] TEXT', about: 'sends a message that goes before others'} as const;

/** All that a draft can begin with, for the completion list. */
export const beginnings: readonly Pick<Command, 'name' | 'usage' | 'about'>[] = [...commands, urgent];

/** Parses a draft as a command, or says why it is not one; null for a message. `//` begins a message that starts with `/`. */
export function commandIn(
	text: string,
): {readonly command: Command; readonly rest: string} | {readonly fault: string} | null {
	if (!text.startsWith('/') || text.startsWith('//') || urgentText.test(text)) return null;
	const [, name = '', rest = ''] = /^\/(\S*)\s?([^]*)$/.exec(text) ?? [];
	const command = commands.find(each => each.name === name.toLowerCase());
	if (command !== undefined) return {command, rest: rest.trim()};
	const [last, ...others] = beginnings.map(each => `/${each.name}`).toReversed();
	const all = others.toReversed().join(', ');
	return {
		fault: `Unknown command /${printable(name.slice(0, 20))}; there are ${all} and ${last}. To begin a message with /, write //.`,
	};
}

const urgentText = /^\/urgent(?:\s+|$)/i;

/** Whether `/urgent` and the blank after it are written. */
export function beginsUrgent(text: string): boolean {
	return /^\/urgent\s/i.test(text);
}

/** The message in a draft, without the `/` that escapes another one, and whether it begins with `/urgent`. */
export function messageIn(text: string): {readonly body: string; readonly isUrgent: boolean} {
	const [begin = ''] = urgentText.exec(text) ?? [];
	const body = text.slice(begin.length);
	return {body: body.startsWith('//') ? body.slice(1) : body, isUrgent: begin !== ''};
}

/** The draft of a message, of which `messageIn` makes the same again. */
export function draftOf(body: string, isUrgent: boolean): string {
	return `${isUrgent ? '/urgent ' : ''}${body.startsWith('/') ? '/' : ''}${body}`;
}

/** A first line that may begin with `@TAG`, and the lines after it. */
interface Addressed {
	readonly title: string;
	readonly lines: readonly string[];
	readonly assigned: {readonly assignee?: Tag};
}

function addressedIn(rest: string): Addressed {
	const [, named = '', text = ''] = /^(?:@(\S+)(?:\s+|$))?([^]*)$/.exec(rest) ?? [];
	const [title = '', ...lines] = (isTag(named) ? text : rest).split('\n');
	return {title: title.trim(), lines, assigned: isTag(named) ? {assignee: named} : {}};
}

function taskIn(rest: string): {readonly title: string; readonly body: string; readonly assignee?: Tag} {
	const {title, lines, assigned} = addressedIn(rest);
	return {title, body: lines.join('\n').trim(), ...assigned};
}

function planIn(rest: string): {readonly title: string; readonly steps: readonly string[]; readonly assignee?: Tag} {
	const {title, lines, assigned} = addressedIn(rest);
	const steps = lines.map(line => line.replace(/^\s*(?:[-*•]|\d+[.)])?\s*/, '').trimEnd()).filter(line => line !== '');
	return {title, steps, ...assigned};
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

function isAdded(task: Task | undefined): string {
	if (task === undefined) return 'Added.';
	const whom = task.assignee === null ? '' : ` for ${printable(task.assignee)}`;
	return `Task #${task.id} is queued${whom}.`;
}
