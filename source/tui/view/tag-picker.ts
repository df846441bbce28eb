import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import {emptyPicker, pickerAfterKey, type Picker} from '../model/picker.ts';
import type {Overlay, ScreenContext} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import type {Keymap} from '../settings/keymap.ts';
import {tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {box} from './box.ts';

interface TagPickerOptions {
	readonly title: Printable;
	/** The tags to offer for a typed text, best first; an empty one stands for any agent. */
	readonly tagsFor: (state: State, typed: string) => readonly Tag[];
	readonly onPick: (tag: Tag) => void;
	/** The overlay to return to. */
	readonly previous: Overlay | null;
	/** Handles a key before anything was typed; false if it has no special meaning. */
	readonly firstKey?: (key: string) => boolean;
}

const tagsShown = 8;

/** A list of tags that is narrowed by typing. */
export function tagPicker(
	{store, ui}: ScreenContext,
	options: TagPickerOptions,
	picker: Picker = emptyPicker,
): Overlay {
	const {title, tagsFor, onPick, previous, firstKey} = options;
	const {typed, index} = picker;
	return {
		scope: 'panel',
		draw: ({state, ui: now}) => box(now, pickerLines(now.keymap, title, state, tagsFor(state, typed), picker)),
		key(key) {
			const names = tagsFor(store.getState(), typed);
			const {keymap} = ui.getState();
			const action = keymap.actionOf('panel', key);
			if (action === 'panel_close') return ui.setState({overlay: previous});
			if (action === 'panel_take') {
				const tag = names[index];
				if (tag === undefined) return;
				ui.setState({overlay: previous});
				return onPick(tag);
			}
			if (typed === '' && firstKey?.(key) === true) return;
			const next = pickerAfterKey(keymap, picker, key, names.length);
			if (next !== null) ui.setState({overlay: tagPicker({store, ui}, options, next)});
		},
	};
}

function pickerLines(
	{keyFor}: Keymap,
	title: Printable,
	state: State,
	names: readonly Tag[],
	{typed, index}: Picker,
): Span[][] {
	const known = new Set([...state.agents.values()].map(({tag}) => foldTag(tag)));
	const from = Math.max(0, Math.min(index - Math.floor(tagsShown / 2), names.length - tagsShown));
	const lines = names.slice(from, from + tagsShown).map((name, at): Span[] => {
		const chosen = from + at === index;
		if (name === '') {
			const look = chosen ? theme.strong : theme.text;
			return [
				{text: chosen ? p`▌ ` : p`  `, style: theme.grey},
				{text: p`any agent`, style: look},
			];
		}
		const isNew = name === typed && !known.has(foldTag(name));
		return [
			{text: chosen ? p`▌ ` : p`  `, style: tagStyle(name)},
			{text: printable(name), style: chosen ? tagStrong(name) : tagStyle(name)},
			{text: isNew ? p`  new tag` : p``, style: theme.grey},
		];
	});
	const none: Span[] = [{text: p`  a tag is a letter, then letters, digits, _ or -`, style: theme.grey}];
	return [
		[
			{text: title, style: theme.strong},
			{
				text: typed === '' ? p`type to find or create a tag` : printable(typed),
				style: typed === '' ? theme.faint : theme.text,
			},
		],
		[],
		...(lines.length === 0 ? [none] : lines),
		[],
		[
			{text: keyFor('panel_take'), style: theme.strong},
			{text: p` select   `, style: theme.grey},
			{text: keyFor('panel_close'), style: theme.strong},
			{text: p` back`, style: theme.grey},
		],
	];
}
