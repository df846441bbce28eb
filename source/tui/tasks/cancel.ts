import {joinPrintable, p, printable} from '../../printable.ts';
import {stepsOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import type {Overlay, ScreenContext} from '../model/ui.ts';
import {ownersIn} from '../panes/task-words.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {question} from '../view/question.ts';
import {ask} from './ask.ts';

/** Asks before a task is cancelled, naming its open steps and who is working on it. */
export function cancelQuestion(context: ScreenContext, id: number, previous: Overlay | null): Overlay {
	return question(context.ui, {
		lines: ({state}) => lines(state, id),
		yes: p`cancel it`,
		no: p`keep it`,
		agree: () => ask(context, tasks => tasks.cancel(id), `Task #${id} is cancelled.`),
		previous,
	});
}

function lines(state: State, id: number): Span[][] {
	const task = state.tasks.get(id);
	const open = openSteps(state, id);
	const title = printable((task?.title ?? '').slice(0, 60));
	const asked: Span[] = [
		{text: p`Cancel `, style: theme.strong},
		{text: p`#${id} `, style: theme.task},
		{text: title, style: theme.strong},
		{text: open > 0 ? p` with its ${counted(open, 'open step')}?` : p`?`, style: theme.strong},
	];
	const owners = task === undefined ? [] : [...new Set(ownersIn(state, task))].map(printable);
	if (owners.length === 0) return [asked];
	const are = owners.length === 1 ? 'is' : 'are';
	const warning = p`${joinPrintable(owners, ', ')} ${are} working on it and will lose the lease.`;
	return [asked, [{text: warning, style: theme.warn}]];
}

/** How many steps below a task are queued or running. */
export function openSteps(state: State, id: number): number {
	return stepsOf(state, id).reduce((count, step) => {
		const isOpen = step.status === 'queued' || step.status === 'running';
		return count + (isOpen && stepsOf(state, step.id).length === 0 ? 1 : 0) + openSteps(state, step.id);
	}, 0);
}
