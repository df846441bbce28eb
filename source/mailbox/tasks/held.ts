import type {Task} from '../task.ts';
import {percentOf} from './task-standing.ts';

/** How many tasks are named. */
const maxNamed = 10;

/** `You hold #12 (70%) and #13 (0%).`, without any text by others. `who`: `You`, or a tag. */
export function heldSentence(who: string, held: ReadonlyArray<Pick<Task, 'id' | 'progress'>>): string {
	const named = held.slice(0, maxNamed).map(task => `#${task.id} (${percentOf(task)})`);
	const rest = held.length > named.length ? [`${held.length - named.length} more`] : [];
	const [last, ...before] = [...named, ...rest].toReversed();
	const list = before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`;
	return `${who} ${who === 'You' ? 'hold' : 'holds'} ${list}.`;
}
