import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {Picker} from '../model/picker.ts';
import {useSurroundings, useUi} from '../view/context.ts';
import {Panel} from '../view/panel.tsx';
import type {Span} from '../screen/strip.ts';
import {tagStrong, tagStyle, theme} from '../settings/theme.ts';

const tagsShown = 8;

interface TagPickerProps {
	readonly title: Printable;
	/** What is offered for the filter, best first; an empty one is nobody in particular. */
	readonly names: readonly Tag[];
	readonly picker: Picker;
}

/** A list of tags that typing narrows, over the panes. */
export function TagPicker({title, names, picker: {filter, index}}: TagPickerProps) {
	const {store} = useSurroundings();
	const keymap = useUi(ui => ui.keymap);
	const known = new Set([...store.getState().agents.values()].map(({tag}) => foldTag(tag)));
	const from = Math.max(0, Math.min(index - Math.floor(tagsShown / 2), names.length - tagsShown));
	const lines = names.slice(from, from + tagsShown).map((name, at): Span[] => {
		const chosen = from + at === index;
		if (name === '') {
			const look = chosen ? theme.strong : theme.text;
			return [
				{text: chosen ? p`▌ ` : p`  `, style: theme.grey},
				{text: p`anybody`, style: look},
			];
		}
		const isNew = name === filter && !known.has(foldTag(name));
		return [
			{text: chosen ? p`▌ ` : p`  `, style: tagStyle(name)},
			{text: printable(name), style: chosen ? tagStrong(name) : tagStyle(name)},
			{text: isNew ? p`  new tag` : p``, style: theme.grey},
		];
	});
	const none: Span[] = [{text: p`  a tag is a letter, then letters, digits, _ or -`, style: theme.grey}];
	return (
		<Panel
			lines={[
				[
					{text: title, style: theme.strong},
					{
						text: filter === '' ? p`type to find or to make one` : printable(filter),
						style: filter === '' ? theme.faint : theme.text,
					},
				],
				[],
				...(lines.length === 0 ? [none] : lines),
				[],
				[
					{text: keymap.keyFor('panel_take'), style: theme.strong},
					{text: p` takes it   `, style: theme.grey},
					{text: keymap.keyFor('panel_close'), style: theme.strong},
					{text: p` back`, style: theme.grey},
				],
			]}
		/>
	);
}
