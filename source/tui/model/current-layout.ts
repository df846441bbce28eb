import {layout, type Layout, type LayoutInput} from './layout.ts';
import {withThread} from './thread-layout.ts';
import {homeOf, type Ui} from './ui.ts';

let latest: {readonly input: LayoutInput; readonly layout: Layout} | null = null;

let latestThread: {readonly base: Layout; readonly threads: Ui['threads']; readonly layout: Layout} | null = null;

/** The layout of what the ui holds; the same object as long as nothing that it depends on has changed. */
export function layoutOf(ui: Ui): Layout {
	const base = baseOf({...ui, focus: homeOf(ui, ui.focus)});
	const [thread] = ui.threads.keys();
	if (thread === undefined || ui.threadAt === null) return base;
	// A thread is opened together with the pane at which it stands.
	if (latestThread?.base !== base || latestThread.threads !== ui.threads) {
		latestThread = {base, threads: ui.threads, layout: withThread(base, thread, ui.threadAt)};
	}
	return latestThread.layout;
}

function baseOf({columns, rows, arrangement, focus, mode, compose}: Ui): Layout {
	const draftLines = mode === 'compose' ? lineCount(compose.editor.text) : 1;
	const input: LayoutInput = {columns, rows, arrangement, focus, draftLines};
	if (latest === null || !isSame(latest.input, input)) latest = {input, layout: layout(input)};
	return latest.layout;
}

function isSame(one: LayoutInput, other: LayoutInput): boolean {
	return (
		one.columns === other.columns &&
		one.rows === other.rows &&
		one.arrangement === other.arrangement &&
		one.focus === other.focus &&
		one.draftLines === other.draftLines
	);
}

/** Lines of the draft; no screen has room for more than it counts. */
function lineCount(text: string): number {
	let lines = 1;
	for (let at = text.indexOf('\n'); at !== -1 && lines < 100; at = text.indexOf('\n', at + 1)) lines++;
	return lines;
}
