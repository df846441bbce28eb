import type {Keymap} from '../settings/keymap.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {choiceLines} from '../model/choice.ts';
import {offeredTags} from '../model/tags.ts';
import {useSurroundings, useUi} from '../view/context.ts';
import {FilterLine} from '../find/filter-line.tsx';
import {PalettePanel} from '../find/palette-panel.tsx';
import {Manual} from '../find/manual.tsx';
import {SearchPanel} from '../find/search-panel.tsx';
import type {KeyScope} from '../settings/actions.ts';
import {Panel} from '../view/panel.tsx';
import {redactLines} from './redact.ts';
import {Scrolled} from '../view/scrolled.tsx';
import {textWidth, type Span} from '../screen/strip.ts';
import {TagPicker} from '../tasks/tag-picker.tsx';
import {TaskOverlay} from '../tasks/task-overlay.tsx';
import {theme} from '../settings/theme.ts';

/** What stands over the panes: help, the tag picker, a question. */
export function Overlays() {
	const {store} = useSurroundings();
	const overlay = useUi(ui => ui.overlay);
	const columns = useUi(ui => ui.columns);
	const keymap = useUi(ui => ui.keymap);
	if (overlay === null) return null;
	switch (overlay.kind) {
		case 'help':
			return <Help top={overlay.top} />;
		case 'tags':
			return (
				<TagPicker title={p`Write as  #`} names={offeredTags(store.getState(), overlay.filter)} picker={overlay} />
			);
		case 'choice':
			return <Panel lines={choiceLines(keymap, overlay, columns - 8)} />;
		case 'redact':
			return <Panel lines={redactLines(overlay.message)} />;
		case 'task':
		case 'cancel':
		case 'assign':
			return <TaskOverlay overlay={overlay} />;
		case 'filter':
			return <FilterLine edit={overlay} />;
		case 'palette':
			return <PalettePanel palette={overlay} />;
		case 'manual':
			return <Manual lines={overlay.lines} top={overlay.top} />;
		case 'search':
			return <SearchPanel />;
		case 'quit':
			return (
				<Panel
					lines={[
						[{text: overlay.reason, style: theme.strong}],
						[
							{text: p`y`, style: theme.strong},
							{text: p` ${overlay.answer}   `, style: theme.grey},
							{text: p`any other key`, style: theme.strong},
							{text: p` stay`, style: theme.grey},
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
	const lookingBack = useUi(ui => ui.timeline !== null);
	const keymap = useUi(ui => ui.keymap);
	const timeline = section(keymap, p`Looking back`, 'timeline');
	const panel = section(keymap, p`Finding, choosing`, 'panel');
	const everywhere = [
		...section(keymap, p`Reading`, 'read'),
		[],
		...section(keymap, p`Writing`, 'compose'),
		...editing,
		[],
		...section(keymap, p`Tasks`, 'tasks'),
		[],
		...timeline,
		[],
		...panel,
	];
	const all = lookingBack ? timeline : everywhere;
	const height = Math.max(2, rows - 4);
	const most = Math.max(1, Math.floor((columns - 4) / helpColumn));
	const needed = Math.min(most, Math.ceil(all.length / Math.max(1, height - 2)));
	return <Scrolled lines={besides(all, needed)} top={top} />;
}

function section({bindings}: Keymap, title: Printable, scope: KeyScope): Span[][] {
	const own = bindings.filter(binding => binding.scope === scope && binding.help !== '' && binding.label !== '');
	return [[{text: title, style: theme.strong}], ...own.map(({label, help}) => helpLine(label, help))];
}

function helpLine(label: string, help: string): Span[] {
	return [
		{text: p` ${printable(label).padEnd(10)}`, style: theme.text},
		{text: printable(help), style: theme.grey},
	];
}

/** What readline's keys do (compose/edit-keys.ts), said together. */
const editing: readonly Span[][] = [
	helpLine('^A ^E', 'start and end of the line'),
	helpLine('alt-b -f', 'a word left, right'),
	helpLine('^W alt-d', 'erase a word left, right'),
	helpLine('^U ^K', 'erase to start, to end'),
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
	return [...line, {text: p` `.repeat(Math.max(1, width - used)), style: theme.text}];
}
