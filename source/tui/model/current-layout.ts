import {layout, type Layout, type LayoutInput} from './layout.ts';
import {perRun} from './per-run.ts';
import {withThread} from './thread-layout.ts';
import {homeOf, type Ui} from './ui.ts';

/** The latest layout, with the input it was made from. */
interface Latest {
	base: {readonly input: LayoutInput; readonly layout: Layout} | null;
	thread: {readonly base: Layout; readonly threads: Ui['threads']; readonly layout: Layout} | null;
}

const latestOf = perRun((): Latest => ({base: null, thread: null}));

/** The current layout; the same object as long as nothing that it depends on changes. */
export function layoutOf(ui: Ui): Layout {
	const latest = latestOf(ui);
	const base = baseOf(latest, {...ui, focus: homeOf(ui, ui.focus)});
	const [thread] = ui.threads.keys();
	if (thread === undefined || ui.threadAt === null) return base;
	// `threads` and `threadAt` always change together.
	if (latest.thread?.base !== base || latest.thread.threads !== ui.threads) {
		latest.thread = {base, threads: ui.threads, layout: withThread(base, thread, ui.threadAt)};
	}
	return latest.thread.layout;
}

function baseOf(latest: Latest, {columns, rows, arrangement, focus, mode, compose}: Ui): Layout {
	const draftLines = mode === 'compose' ? lineCount(compose.editor.text) : 1;
	const input: LayoutInput = {columns, rows, arrangement, focus, draftLines};
	if (latest.base === null || !isSameInput(latest.base.input, input)) latest.base = {input, layout: layout(input)};
	return latest.base.layout;
}

function isSameInput(one: LayoutInput, other: LayoutInput): boolean {
	return (
		one.columns === other.columns &&
		one.rows === other.rows &&
		one.arrangement === other.arrangement &&
		one.focus === other.focus &&
		one.draftLines === other.draftLines
	);
}

/** The number of lines in the draft. It counts up to 100, which is more than any screen shows. */
function lineCount(text: string): number {
	let lines = 1;
	for (let at = text.indexOf('\n'); at !== -1 && lines < 100; at = text.indexOf('\n', at + 1)) lines++;
	return lines;
}
