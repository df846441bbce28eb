import {offeredTags} from './compose/tags.ts';
import {useSurroundings, useUi} from './context.ts';
import {SearchPanel} from './find/search-panel.tsx';
import {keymap, type Place} from './keymap.ts';
import {Panel} from './panel.tsx';
import {textWidth, type Span} from './screen/strip.ts';
import {TagPicker} from './tag-picker.tsx';
import {TaskOverlay} from './task-overlay.tsx';
import {theme} from './theme.ts';

/** What stands over the panes: help, the tag picker, a question. */
export function Overlays() {
	const {store} = useSurroundings();
	const overlay = useUi(ui => ui.overlay);
	if (overlay === null) return null;
	switch (overlay.kind) {
		case 'help':
			return <Help top={overlay.top} />;
		case 'tags':
			return <TagPicker title="Write as  #" names={offeredTags(store.getState(), overlay.filter)} picker={overlay} />;
		case 'task':
		case 'cancel':
		case 'assign':
			return <TaskOverlay overlay={overlay} />;
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

const helpColumn = 37;

/** All keys, from the keymap: in two columns where there is room, else as a list that scrolls. */
function Help({top}: {readonly top: number}) {
	const rows = useUi(ui => ui.rows);
	const columns = useUi(ui => ui.columns);
	const reading = section('Reading', 'read');
	const acting = [...section('Tasks', 'tasks'), [], ...section('Looking back', 'timeline')];
	const writing = [...section('Writing', 'compose'), ...editing, [], ...acting];
	const wide = columns >= 2 * helpColumn + 6;
	const list = [...reading, [], ...writing];
	const half = Math.ceil(list.length / 2);
	const all = wide ? besides(list.slice(0, half), list.slice(half)) : list;
	const height = Math.max(2, rows - 4);
	if (all.length <= height) return <Panel lines={all} tight={all.length > height - 2} />;
	const from = Math.min(top, all.length - height + 1);
	const more: Span[] = [{text: from + height - 1 < all.length ? 'j ↓ more' : 'k ↑ back', style: theme.faint}];
	return <Panel lines={[...all.slice(from, from + height - 1), more]} tight />;
}

function section(title: string, place: Place): Span[][] {
	const bindings = keymap.filter(binding => binding.place === place && binding.help !== '');
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

function besides(left: readonly Span[][], right: readonly Span[][]): Span[][] {
	return Array.from({length: Math.max(left.length, right.length)}, (_, index) => [
		...padded(left[index] ?? [], helpColumn),
		...(right[index] ?? []),
	]);
}

function padded(line: readonly Span[], width: number): Span[] {
	const used = line.reduce((sum, {text}) => sum + textWidth(text), 0);
	return [...line, {text: ' '.repeat(Math.max(1, width - used)), style: theme.text}];
}
