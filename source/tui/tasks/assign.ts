import type {Tag} from '../../mailbox/tag.ts';
import {p} from '../../printable.ts';
import type {State} from '../../store/state.ts';
import type {Overlay} from '../model/ui.ts';
import {offeredTags} from '../model/tags.ts';
import {tagPicker} from '../view/tag-picker.ts';
import {ask, type TaskContext} from './ask.ts';

/** Asks whom a task is for. */
export function assignPicker(context: TaskContext, id: number, under: Overlay | null): Overlay {
	return tagPicker(context, {
		title: p`#${id} is for  `,
		offered: (state, filter) => assignees(state, id, filter),
		under,
		take(tag) {
			const words = tag === '' ? 'whoever asks first' : `${tag} only`;
			ask(context, tasks => tasks.assign(id, tag === '' ? null : tag), `Task #${id} is for ${words}.`);
		},
	});
}

/** Whom a task may be given to: anybody (empty) where it is somebody's, then every tag that fits. */
function assignees(state: State, id: number, filter: string): Tag[] {
	const isSomebodys = filter === '' && (state.tasks.get(id)?.assignee ?? null) !== null;
	return [...(isSomebodys ? [''] : []), ...offeredTags(state, filter)];
}
