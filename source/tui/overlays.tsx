import {Box} from 'ink';
import {useLayoutEffect, type ReactNode} from 'react';
import {printable} from '../printable.ts';
import {choiceLines} from './choice.ts';
import {offeredTags} from './compose/tags.ts';
import {useSurroundings, useUi} from './context.ts';
import {SearchPanel} from './find/search-panel.tsx';
import {keymap, type Place} from './keymap.ts';
import {textWidth, type Span} from './screen/strip.ts';
import {onTint, Spans} from './spans.tsx';
import {tagStrong, tagStyle, theme} from './theme.ts';

/** What stands over the panes: help, the tag picker, a question. */
export function Overlays() {
	const overlay = useUi(ui => ui.overlay);
	const columns = useUi(ui => ui.columns);
	if (overlay === null) return null;
	switch (overlay.kind) {
		case 'help':
			return <Help top={overlay.top} />;
		case 'tags':
			return <TagPicker filter={overlay.filter} index={overlay.index} />;
		case 'choice':
			return <Panel lines={choiceLines(overlay, columns - 8)} />;
		case 'search':
			return <SearchPanel />;
		case 'quit':
			return (
				<Panel
					lines={[
						[{text: overlay.reason, style: theme.strong}],
						[
							{text: 'y', style: theme.strong},
							{text: ` ${overlay.answer}   `, style: theme.grey},
							{text: 'any other key', style: theme.strong},
							{text: ' stay', style: theme.grey},
						],
					]}
				/>
			);
	}
}

const helpColumn = 38;

/** All keys, from the keymap: in as many columns as there is room for and need of; they scroll where that is not enough. */
function Help({top}: {readonly top: number}) {
	const rows = useUi(ui => ui.rows);
	const columns = useUi(ui => ui.columns);
	const all = [
		...section('Reading', 'read'),
		[],
		...section('Writing', 'compose'),
		...editing,
		[],
		...section('Looking back', 'timeline'),
	];
	const height = Math.max(2, rows - 4);
	const most = Math.max(1, Math.floor((columns - 4) / helpColumn));
	const needed = Math.min(most, Math.ceil(all.length / Math.max(1, height - 2)));
	const lines = besides(all, needed);
	if (lines.length <= height) return <Panel lines={lines} tight={lines.length > height - 2} />;
	const from = Math.min(top, lines.length - height + 1);
	const more: Span[] = [{text: from + height - 1 < lines.length ? 'j ↓ more' : 'k ↑ back', style: theme.grey}];
	return <Panel lines={[...lines.slice(from, from + height - 1), more]} tight />;
}

function section(title: string, place: Place): Span[][] {
	const bindings = keymap.filter(binding => binding.place === place && binding.help !== '' && binding.label !== '');
	return [[{text: title, style: theme.strong}], ...bindings.map(({label, help}) => helpLine(label, help))];
}

function helpLine(label: string, help: string): Span[] {
	return [
		{text: ` ${label.padEnd(10)}`, style: theme.text},
		{text: help, style: theme.grey},
	];
}

/** What readline's keys do (compose/edit-keys.ts), said together. */
const editing: readonly Span[][] = [
	helpLine('^A ^E', 'start and end of the line'),
	helpLine('alt-b -f', 'a word left, right'),
	helpLine('^W alt-d', 'erase a word left, right'),
	helpLine('^U ^K', 'erase the line left, right'),
	helpLine('^Y', 'bring back what was erased'),
	helpLine('^_ ^T', 'undo; swap two letters'),
	helpLine('↑ ↓', 'lines, then what was sent'),
	helpLine('@', 'a tag; tab completes it'),
];

/** One list in columns of about the same length, read from top to bottom. */
function besides(lines: readonly Span[][], count: number): Span[][] {
	const length = Math.ceil(lines.length / count);
	return Array.from({length}, (_, row) =>
		Array.from({length: count}, (_, column) => lines[column * length + row] ?? []).flatMap((line, column) =>
			column === count - 1 ? line : padded(line, helpColumn),
		),
	);
}

function padded(line: readonly Span[], width: number): Span[] {
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
function Panel({lines, tight = false}: {readonly lines: ReadonlyArray<readonly Span[]>; readonly tight?: boolean}) {
	const {screen} = useSurroundings();
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const widest = Math.max(...lines.map(line => line.reduce((sum, {text}) => sum + textWidth(text), 0)));
	const width = Math.min(columns, widest + 6);
	const height = Math.min(rows - 3, lines.length + (tight ? 0 : 2));
	const x = Math.floor((columns - width) / 2);
	const y = Math.max(1, Math.floor((rows - 2 - height) / 2));
	useLayoutEffect(() => screen?.cover({x, y, width, height}), [screen, x, y, width, height]);
	const body: ReactNode[] = (tight ? lines : [[], ...lines, []])
		.slice(0, height)
		.map((line, index) => <Spans key={index} line={onTint(line, width)} />);
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{body}
		</Box>
	);
}
