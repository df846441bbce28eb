import type {Tag} from '../../mailbox/tag.ts';
import {p} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {Overlay, ScreenContext} from '../model/ui.ts';
import {matchingTags} from '../model/tags.ts';
import {tagPicker} from '../view/tag-picker.ts';
import {ask} from './ask.ts';

/** Asks which tag to assign a task to. */
export function assignPicker(context: ScreenContext, id: number, previous: Overlay | null): Overlay {
	return tagPicker(context, {
		title: p`assign #${id} to  `,
		tagsFor: (state, typed) => assignees(state, id, typed),
		previous,
		onPick(tag) {
			const done = tag === '' ? `Task #${id} is open to any agent.` : `Task #${id} is assigned to ${tag}.`;
			ask(context, tasks => tasks.assign(id, tag === '' ? null : tag), done);
		},
	});
}

/** The choices: any agent (empty) if the task is assigned now, then every tag that matches. */
function assignees(state: State, id: number, typed: string): Tag[] {
	const canUnassign = typed === '' && (state.tasks.get(id)?.assignee ?? null) !== null;
	return [...(canUnassign ? [''] : []), ...matchingTags(state, typed)];
}
