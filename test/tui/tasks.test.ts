import fc from 'fast-check';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import type {Task, TaskAttempt} from '../../source/mailbox/task.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {resultTableLines} from '../../source/tui/panes/result-table.ts';
import {taskCardLines} from '../../source/tui/panes/task-card.ts';
import {taskList} from '../../source/tui/panes/task-rows.ts';
import {statusSpans} from '../../source/tui/panes/task-words.ts';
import {spansOf, textWidth, type Strip} from '../../source/tui/screen/strip.ts';
import {openSteps} from '../../source/tui/tasks/cancel.ts';
import {bundle} from '../helpers/bundle.ts';
import {MemoryTasks} from '../helpers/memory-tasks.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

async function start(options: SpawnOptions = {cols: 80, rows: 40}): Promise<TestTerminal> {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: 'board'}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('● live');
	await terminal.waitFor('no messages yet');
	terminal.write('6');
	await terminal.waitFor('n add');
	// As long as no task is chosen, + is what it is elsewhere: the pane alone.
	terminal.write('+');
	await terminal.waitFor(rows => !rows.join('').includes('no messages yet'));
	return terminal;
}

/** What stands there, without the blanks at the end of a row, which may have been drawn or not. */
const trimmed = (rows: readonly string[]): string => rows.map(row => row.trimEnd()).join('\n');

async function shows(terminal: TestTerminal, what: RegExp): Promise<string> {
	return trimmed(await terminal.waitFor(rows => what.test(trimmed(rows))));
}

/** Goes down from the first task to the one with this title. */
async function choose(terminal: TestTerminal, title: string): Promise<void> {
	const chosen = (rows: readonly string[]): string =>
		rows.find(row => row.startsWith('▌') && !row.includes('TASKS'))?.trimEnd() ?? '';
	terminal.write('g');
	let row = chosen(await terminal.waitFor(rows => /#1 |#6 /.test(chosen(rows))));
	while (!row.includes(title)) {
		const before = row;
		terminal.write('j');
		row = chosen(await terminal.waitFor(rows => chosen(rows) !== before && chosen(rows) !== ''));
	}
}

describe('the pane of tasks', () => {
	it('shows each task with who has it, how far it is and what it waits for, and the steps of a plan below it', async () => {
		const terminal = await start();
		const text = trimmed(await terminal.waitFor('Task X: monthly report'));
		expect(text).toMatch(/▶ #1 Task X: monthly report +CLAUDE_TWIN\n +━+─+ {2}1\/3/);
		expect(text).toMatch(/ {3}✓ fetch 2025 rows\n {3}▶ join with orders +0\/1 {2}CLAUDE_TWIN\n/);
		expect(text).toMatch(/ {5}▶ orders without a customer +40 % {2}CLAUDE_TWIN\n {7}12 of 30 files\n {3}○ write it up/);
		expect(text).toMatch(/▶ #6 Draft the summary +CLAUDE_1\n +━+─+ {2}20 % {2}lease \d\d s/);
		expect(text).toMatch(/○ #7 Review the numbers +↑3 {2}for CLAUDE_TWIN/);
		expect(text).toMatch(/○ #8 Publish +after #1/);
		expect(text).toMatch(/↻ #9 Fetch exchange rates +attempt 2 of 5(, next in \d s)?\n {3}503 from the bank/);
		expect(text).toMatch(/✗ #10 Scrape the archive +dead after 1\n {3}403 from the archive/);
		expect(text).toMatch(/✓ #11 List the sources +\d+ s ago\n {3}result: {2}sources {2}\{"rows":60\}/);
	});

	it('opens a task as a card with all its fields, its text and its steps', async () => {
		const terminal = await start();
		terminal.write('j\r');
		const text = trimmed(await terminal.waitFor('Not the others.'));
		expect(text).toMatch(/status +running, 1 of 3 steps done/);
		expect(text).toMatch(/added +by CLAUDE_1, \d\d:\d\d, \d+ s ago/);
		expect(text).toMatch(/steps\n +✓ #2 fetch 2025 rows[^\n]*\n +▶ #3 join with orders[^\n]*\n +▶ #5 orders/);
		terminal.write('\u001B');
		await terminal.waitFor(rows => !rows.join('').includes('Not the others.'));
		expect(terminal.text()).toMatch(/^▌▶ #1/m);
	});

	it('shows the first rows of the table that a task resulted in, and scrolls through them', async () => {
		const terminal = await start();
		await choose(terminal, 'List the sources');
		terminal.write('\r');
		const text = trimmed(await terminal.waitFor('the first 50 rows'));
		expect(text).toMatch(/sources +the first 50 rows\n +id {2}name +url\n +1 {2}source ␛\[31m1 日本 +null/);
		terminal.write('G');
		await terminal.waitFor('source ␛[31m50');
		expect(terminal.text()).not.toContain('source ␛[31m51');
		terminal.write('k');
		await terminal.waitFor('1 more line · j');
		terminal.write('g');
		expect(await terminal.waitFor(/✓ #11 List the sources/)).toHaveLength(40);
	});

	it('says in place why a table cannot be read', async () => {
		const terminal = await start();
		await choose(terminal, 'Count the secrets');
		terminal.write('\r');
		expect(await shows(terminal, /secrets\n +The table secrets cannot be read from here\./)).toContain('#12 Count');
	});

	it('asks before it cancels, how many steps end and who is at work, and does nothing on any other key', async () => {
		const terminal = await start();
		terminal.write('jx');
		const text = trimmed(await terminal.waitFor('Cancel #1 Task X: monthly report with its 2 open steps?'));
		expect(text).toContain('CLAUDE_TWIN is working on it and will lose the lease.');
		terminal.write('n');
		await terminal.waitFor(rows => !rows.join('').includes('Cancel #1'));
		expect(terminal.text()).toContain('▶ #1 Task X');
		terminal.write('xy');
		await terminal.waitFor('Task #1 is cancelled.');
		await terminal.waitFor(/– #1 Task X: monthly report +cancelled/);
		terminal.write('x');
		await terminal.waitFor('Task #1 is cancelled: there is nothing to cancel.');
		terminal.write('R');
		await terminal.waitFor('Task #1 is queued again.');
		expect(await terminal.waitFor(/○ orders without a customer/)).toHaveLength(40);
	});

	it('retries a dead task, and says which cannot be retried', async () => {
		const terminal = await start();
		await choose(terminal, 'Scrape the archive');
		terminal.write('R');
		await terminal.waitFor(/○ #10 Scrape the archive +queued/);
		terminal.write('R');
		expect(await terminal.waitFor('Task 10 is queued.')).toHaveLength(40);
	});

	it('assigns a task to one agent, and back to anybody', async () => {
		const terminal = await start();
		await choose(terminal, 'Review the numbers');
		terminal.write('A');
		await terminal.waitFor('any agent');
		terminal.write('\r');
		await terminal.waitFor('Task #7 is open to any agent.');
		await terminal.waitFor(/#7 Review the numbers +↑3 {2}queued/);
		terminal.write('A');
		await terminal.waitFor('assign #7 to');
		terminal.write('de_1\r');
		await terminal.waitFor('Task #7 is assigned to CLAUDE_1.');
		expect((await terminal.waitFor(/#7 Review the numbers +↑3 {2}for CLAUDE_1/)).length).toBe(40);
		await choose(terminal, 'Fetch exchange rates');
	});

	it('moves a task before others and behind them', async () => {
		const terminal = await start();
		await choose(terminal, 'Publish');
		terminal.write('++++');
		await shows(terminal, /#8 Publish +↑4 {2}after #1\n[^]*#7 Review/);
		terminal.write('-');
		expect(await terminal.waitFor('Task #8 has priority 3.')).toHaveLength(40);
	});

	it('adds a task from the line by n, and acts on no task while none is chosen', async () => {
		const terminal = await start();
		terminal.write('x');
		await terminal.waitFor('Select a task first, with j and k.');
		terminal.write('n');
		await terminal.waitFor('→ /task ');
		terminal.write('Water the plants\r');
		expect(await terminal.waitFor(/○ #13 Water the plants +queued/)).toHaveLength(40);
	});

	it('keeps titles readable where it is narrow, and counts what does not fit', async () => {
		const terminal = await start({cols: 41, rows: 11});
		const text = trimmed(await terminal.waitFor(/\d+ more below/));
		expect(text).toContain('▶ #1 Task X: monthly report');
		terminal.write('\r');
		expect(await terminal.waitFor('more lines · j')).toHaveLength(11);
	});
});

/** The state with these tasks. */
function withTasks(build: (tasks: MemoryTasks) => void): State {
	const tasks = new MemoryTasks(() => {});
	build(tasks);
	return {...emptyState, tasks: new Map(tasks.rows.map(task => [task.id, task]))};
}

describe('the list of tasks', () => {
	it('is made once for the same tasks', () => {
		const state = withTasks(tasks => tasks.add({title: 'a'}, 'A'));
		expect(taskList(state)).toBe(taskList({...state, loaded: true}));
	});

	it('holds each task once, with its steps behind it, and none of what was done or dropped in a plan that is over', () => {
		const state = withTasks(tasks => {
			tasks.plan({title: 'open'}, [{title: 'open 1'}, {title: 'open 2'}], true, 'A');
			tasks.plan({title: 'over'}, [{title: 'over 1'}], true, 'A');
			tasks.cancel(4, {tag: 'A', kind: 'agent', verified: true});
			tasks.add({title: 'urgent', priority: 5}, 'A');
		});
		expect(taskList(state).order.map(({title}) => title)).toEqual(['urgent', 'open', 'open 1', 'open 2', 'over']);
		expect(openSteps(state, 1)).toBe(2);
	});

	const wordsOf = (change: Partial<Task>, roomy = true): string => {
		const state = withTasks(tasks => tasks.add({title: 'a'}, 'A'));
		const task: Task = {...state.tasks.get(1)!, ...change};
		const now = Date.parse(task.created_at) + 1000;
		return statusSpans({...state, tasks: new Map([[1, task]])}, task, now, roomy)
			.map(({text}) => text)
			.join('');
	};
	const soon = new Date(Date.now() + 3_600_000).toISOString();

	it.each<[Partial<Task>, boolean, RegExp]>([
		[{}, true, /^queued$/],
		[{priority: -2}, true, /^↓2 {2}queued$/],
		[{run_at: soon}, true, /^in \d+ min$/],
		[{run_at: soon, last_error: 'blocked for ever: task 1 waits for task 1'}, false, /^blocked for ever$/],
		[{attempts: 1, run_at: soon}, true, /^attempt 2 of 5, next in \d+ min$/],
		[{attempts: 1, run_at: soon}, false, /^try 2 of 5 in \d+ min$/],
		[{assignee: 'B\u202E'}, true, /^for B<U\+202E>$/],
		[{depends_on: [9]}, true, /^after #9$/],
		[{status: 'running', lease_owner: 'B', attempts: 1}, true, /^B$/],
		[{status: 'running', lease_owner: 'B', attempts: 3}, true, /^attempt 3 of 5 {2}B$/],
		[{status: 'dead', attempts: 5}, true, /^dead after 5$/],
		[{status: 'cancelled'}, true, /^cancelled$/],
	])('%j stands as it should', (change, roomy, words) => {
		expect(wordsOf(change, roomy)).toMatch(words);
	});
});

describe('a card', () => {
	it('is never too wide, whatever the task contains', () => {
		const text = fc.string({
			unit: fc.constantFrom('a', ' ', '\n', '日', '👩‍👩‍👧', 'e\u0301', '\u001B', '\u202E'),
			maxLength: 60,
		});
		fc.assert(
			fc.property(text, text, text, fc.integer({min: 20, max: 90}), (title, body, error, width) => {
				const state = withTasks(tasks => tasks.add({title: `t${title}`, body, depends_on: []}, 'A'));
				const task: Task = {...state.tasks.get(1)!, last_error: error, result: {[body]: title}, result_table: 'x'};
				const attempts = [attempt({reason: error}), attempt({owner: 'B'})];
				const card = {id: 1, attempts, table: [{[title]: body}]};
				const lines = taskCardLines({...state, tasks: new Map([[1, task]])}, card, width, Date.now());
				for (const {glyphs} of lines) expect(glyphs.length).toBeLessThanOrEqual(width);
			}),
			{numRuns: 200},
		);
	});

	it('lists the attempts with who, how far and why, and says why a plan is stalled', () => {
		const state = withTasks(tasks => {
			tasks.plan({title: 'plan', assignee: 'B'}, [{title: 'one'}], true, 'A');
		});
		const shown = (id: number, attempts: readonly TaskAttempt[] = []) =>
			taskCardLines(state, {id, attempts, table: null}, 90, Date.now()).map(textOf).join('\n');
		expect(shown(1).replaceAll(/\s+/g, ' ')).toContain('stalled: #2 is ready, and B, which it is for, has not joined');
		expect(shown(2)).not.toContain('stalled');
		expect(shown(2, [attempt({reason: null})])).not.toContain('attempts');
		expect(
			shown(2, [attempt({reason: 'no disk'}), attempt({attempt: 2, owner: 'B', ended_at: null, reason: null})]),
		).toMatch(
			/attempts\n1 {2}A {2}from [^\n]*, 70%, queued at [^\n]*: no disk\n2 {2}B {2}from [^\n]*, 70%, still running/,
		);
	});
});

const textOf = (line: Strip): string =>
	spansOf(line)
		.map(({text}) => text)
		.join('');

/** An attempt that ended without success. */
function attempt(change: Partial<TaskAttempt>): TaskAttempt {
	const at = new Date().toISOString();
	return {
		attempt: 1,
		owner: 'A',
		begun_at: at,
		ended_at: at,
		outcome: 'queued',
		progress: 0.7,
		reason: 'no',
		...change,
	};
}

describe('rows of a table', () => {
	const shown = (...given: Parameters<typeof resultTableLines>) =>
		resultTableLines(...given).map(line => line.map(({text}) => text).join(''));

	it('stand in columns under their names, numbers at the right', () => {
		const rows = [
			{id: 1, name: 'one', ok: true},
			{id: 10, name: null, ok: {a: 1}},
		];
		expect(shown(rows, 40)).toEqual(['id  name  ok     ', ' 1  one   true   ', '10  null  {"a":1}']);
	});

	it('give way where they are too wide, and leave out the columns that have no room', () => {
		const wide = {a: 'x'.repeat(40), b: 'y'.repeat(40), c: 'z'.repeat(40)};
		expect(shown([wide], 30)).toEqual([
			'a               b             ',
			`${'x'.repeat(13)}…  ${'y'.repeat(13)}…`,
			'1 more column to the right',
		]);
		expect(shown([], 30)).toEqual(['no rows']);
	});

	it('are never wider than they may be', () => {
		const cell = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant('日本語テキスト👩‍👩‍👧'));
		const row = fc.dictionary(fc.string({minLength: 1, maxLength: 20}), cell, {maxKeys: 8});
		fc.assert(
			fc.property(fc.array(row, {maxLength: 5}), fc.integer({min: 14, max: 80}), (rows, width) => {
				const lines = shown(rows, width).filter(line => !/to the right$|^no rows$/.test(line));
				for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
			}),
		);
	});
});
