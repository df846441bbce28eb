import {Box} from 'ink';
import {useLayoutEffect, type ReactNode} from 'react';
import {printable} from '../printable.ts';
import {offeredTags} from './compose/keys.ts';
import {useSurroundings, useUi} from './context.ts';
import {keymap} from './keymap.ts';
import {textWidth, type Span} from './screen/strip.ts';
import {lookOf, onBackground, style} from './screen/style.ts';
import {Spans} from './spans.tsx';
import {overlayTint, tagStrong, tagStyle, theme} from './theme.ts';

/** What stands over the panes: help, the tag picker, a question. */
export function Overlays() {
	const overlay = useUi(ui => ui.overlay);
	if (overlay === null) return null;
	switch (overlay.kind) {
		case 'help':
			return <Help />;
		case 'tags':
			return <TagPicker filter={overlay.filter} index={overlay.index} />;
		case 'quit':
			return (
				<Panel
					lines={[
						[{text: overlay.reason, style: theme.strong}],
						[
							{text: 'y', style: theme.strong},
							{text: ' quit and drop it   ', style: theme.grey},
							{text: 'any other key', style: theme.strong},
							{text: ' stay', style: theme.grey},
						],
					]}
				/>
			);
	}
}

function Help() {
	const rows = useUi(ui => ui.rows);
	const columns = useUi(ui => ui.columns);
	const bindings = keymap.map(({label, help, place}): Span[] => [
		{text: label.padEnd(11), style: theme.strong},
		{text: place === 'compose' ? `while writing: ${help}` : help, style: theme.grey},
	]);
	const room = rows - 5;
	// Too many for one column: two of them, side by side.
	const half = Math.ceil(bindings.length / 2);
	const two = bindings.length > room && columns >= 130;
	const lines = two
		? bindings.slice(0, half).map((line, index) => [...padded(line, 62), ...(bindings[index + half] ?? [])])
		: bindings.slice(0, Math.max(1, room));
	return <Panel lines={[[{text: 'Keys', style: theme.strong}], [], ...lines]} />;
}

function padded(line: Span[], width: number): Span[] {
	const used = line.reduce((sum, {text}) => sum + textWidth(text), 0);
	return [...line, {text: ' '.repeat(Math.max(1, width - used)), style: theme.text}];
}

const tagsShown = 8;

function TagPicker({filter, index}: {readonly filter: string; readonly index: number}) {
	const {store} = useSurroundings();
	const state = store.getState();
	const names = offeredTags(state, filter);
	const known = new Set([...state.agents.values()].map(({tag}) => tag.toUpperCase()));
	const from = Math.max(0, Math.min(index - Math.floor(tagsShown / 2), names.length - tagsShown));
	const lines = names.slice(from, from + tagsShown).map((name, at): Span[] => {
		const chosen = from + at === index;
		const isNew = name === filter && !known.has(name.toUpperCase());
		return [
			{text: chosen ? '▌ ' : '  ', style: tagStyle(name)},
			{text: printable(name), style: chosen ? tagStrong(name) : tagStyle(name)},
			{text: isNew ? '  new tag' : '', style: theme.grey},
		];
	});
	const none: Span[] = [{text: '  a tag is a letter, then letters, digits, _ or -', style: theme.grey}];
	return (
		<Panel
			lines={[
				[
					{text: 'Write as  #', style: theme.strong},
					{
						text: filter === '' ? 'type to find or to make one' : filter,
						style: filter === '' ? theme.faint : theme.text,
					},
				],
				[],
				...(lines.length === 0 ? [none] : lines),
				[],
				[
					{text: 'enter', style: theme.strong},
					{text: ' takes it   ', style: theme.grey},
					{text: 'esc', style: theme.strong},
					{text: ' back', style: theme.grey},
				],
			]}
		/>
	);
}

/** Lines in the middle of the screen, above the panes, on a background of their own. */
function Panel({lines}: {readonly lines: ReadonlyArray<readonly Span[]>}) {
	const {screen} = useSurroundings();
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const widest = Math.max(...lines.map(line => line.reduce((sum, {text}) => sum + textWidth(text), 0)));
	const width = Math.min(columns, widest + 6);
	const height = Math.min(rows - 3, lines.length + 2);
	const x = Math.floor((columns - width) / 2);
	const y = Math.max(1, Math.floor((rows - 2 - height) / 2));
	useLayoutEffect(() => screen?.cover({x, y, width, height}), [screen, x, y, width, height]);
	const body: ReactNode[] = [[], ...lines, []]
		.slice(0, height)
		.map((line, index) => <Spans key={index} line={tinted(line, width)} />);
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{body}
		</Box>
	);
}

function tinted(line: readonly Span[], width: number): Span[] {
	const blank = style({bg: overlayTint});
	const used = line.reduce((sum, {text}) => sum + textWidth(text), 0);
	return [
		{text: '   ', style: blank},
		...line.map(({text, style: look}) => ({
			text,
			style: lookOf(look).bg === undefined ? onBackground(look, overlayTint) : look,
		})),
		{text: ' '.repeat(Math.max(0, width - used - 3)), style: blank},
	];
}
