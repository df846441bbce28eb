/** One picture: how the program is started, what is typed, and what stands there when it is taken. */
export interface View {
	readonly name: string;
	/** What it shows, in a few words. */
	readonly title: string;
	readonly columns: number;
	readonly rows: number;
	/** The name in [theme]; dark when absent. */
	readonly theme?: 'light' | 'high-contrast';
	/** Keys, and after each of them what has to stand on the screen. */
	readonly steps: ReadonlyArray<readonly [keys: string, shown: string | RegExp]>;
}

const middle = {columns: 120, rows: 34};

export const views: readonly View[] = [
	{
		name: 'overview',
		title: 'Two agents at work, their tasks beside them, and an answer being written',
		columns: 180,
		rows: 42,
		steps: [
			['2', /▌2 CLAUDE_TWIN/],
			['ckeep them, and mark them as walk-in', /mark them as walk-in +blocked/],
		],
	},
	{
		name: 'thread',
		title: 'A thread as a tree beside its channel',
		columns: 160,
		rows: 40,
		steps: [
			['g', 'Please write the monthly report'],
			['\r', /thread #\d+/],
		],
	},
	{
		name: 'compose',
		title: 'Writing, while @ completes a tag',
		...middle,
		steps: [['c\u0015keep the 37 orders, and mark them; then go on with #6 @CLA', '▌@CLAUDE_1']],
	},
	{name: 'tag', title: 'Choosing who one writes as', ...middle, steps: [['c#', 'Write as']]},
	{
		name: 'tasks',
		title: 'The queue of tasks, with a plan and its steps',
		...middle,
		steps: [
			['t', 'TASKS'],
			['+', /Fetch the archive[^]*result: +sources/],
		],
	},
	{
		name: 'task',
		title: 'A task, whole',
		...middle,
		steps: [
			['t', 'TASKS'],
			['j\r', 'The sales of 2025'],
		],
	},
	{
		name: 'result',
		title: 'The table that a task resulted in',
		...middle,
		steps: [
			['t', 'TASKS'],
			['G\r', 'parquet'],
		],
	},
	{name: 'search', title: 'Searching all of history', ...middle, steps: [['/2025', /\d of \d/]]},
	{
		name: 'filter',
		title: 'A pane that lets through what its filter says',
		...middle,
		steps: [
			['9', 'ALL'],
			['ffrom:CLAUDE_TWIN has:task\r', / f from:CLAUDE_TWIN has:task /],
		],
	},
	{
		name: 'palette',
		title: 'The palette: everything that can be done, by name',
		...middle,
		steps: [[':clau', 'write to']],
	},
	{name: 'help', title: 'Every key', columns: 160, rows: 44, steps: [['?', 'Timeline']]},
	{name: 'timeline', title: 'The afternoon, a lane for each', columns: 160, rows: 40, steps: [['T', 'in this window']]},
	{
		name: 'replay',
		title: 'The same, as it was at a moment in the past',
		columns: 160,
		rows: 40,
		steps: [
			['T', 'in this window'],
			['<<', 'as it was'],
		],
	},
	{name: 'light', title: 'On a light terminal', columns: 160, rows: 40, theme: 'light', steps: [['k', '▌']]},
	{name: 'high-contrast', title: 'High contrast', columns: 160, rows: 40, theme: 'high-contrast', steps: [['k', '▌']]},
	{name: 'small', title: 'At 80x24: one pane, the others as tabs', columns: 80, rows: 24, steps: [['2', 'walk-in']]},
];
