import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {defaultBindings} from '../../../source/tui/settings/actions.ts';
import {bundle} from '../../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

const wide = {cols: 200, rows: 50};

async function open(scene: string, options: SpawnOptions = {}): Promise<TestTerminal> {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: scene, ...options.env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('● live');
	terminal.write('T');
	await terminal.waitFor('TIMELINE');
	return terminal;
}

/** The row of a lane's messages: the one that begins with its name. */
function laneOf(screen: readonly string[], tag: string): number {
	return screen.findIndex(row => new RegExp(`^.{2,3}${tag}\\b`).test(row));
}

/** Presses a key again and again, and looks after each; rejects when it did not help. */
async function pressUntil(terminal: TestTerminal, key: string, what: RegExp): Promise<void> {
	for (let tries = 0; tries < 40; tries++) {
		const before = terminal.text();
		if (what.test(before)) return;
		terminal.write(key);
		await terminal.waitFor(rows => rows.join('\n') !== before);
	}
	throw new Error(`The screen never showed ${String(what)}. It shows:\n${terminal.text()}`);
}

describe('the timeline at 200x50', () => {
	it('has a lane for each tag, with who wrote to whom, tasks of their owners and how they stand', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('10 messages, 6 tasks in this window');
		const screen = await terminal.waitFor('▶ #2 fetch');
		expect(screen[1]).toMatch(/^▌TIMELINE {2}\d\d:\d\d – \d\d:\d\d {2}3 h {2}● now/);
		expect(screen[2]).toMatch(/╷\d\d:\d0.*now/);
		const [one, twin, human, reviewer] = ['CLAUDE_1', 'CLAUDE_TWIN', 'HUMAN', 'REVIEWER'].map(tag =>
			laneOf(screen, tag),
		);
		expect([one, twin, human, reviewer].every(row => row! > 2)).toBe(true);
		// The human's first words go up to CLAUDE_1: a mark below, a line between, an arrow above.
		const x = screen[human!]!.indexOf('●');
		expect(screen[one!]![x]).toBe('▲');
		for (let y = one! + 1; y < human!; y++) expect(screen[y]![x]).toBe('│');
		expect(screen[one!]).toContain('◆');
		expect(screen[human!]).toMatch(/▼─+●/);
		expect(screen[twin! + 1]).toMatch(/▶ #2 fetch.*✓.*▶━+↻/);
		expect(screen[reviewer! + 1]).toMatch(/╌.*▶ #6 Look over/);
		expect(screen.slice(laneOf(screen, 'TASKS')).join('\n')).toMatch(/○ #1 Task X: monthly report ┄/);
		expect(screen[one! + 1]).toMatch(/^ {3}in a turn/);
		expect(screen[twin! + 1]).toMatch(/^ {3}away/);
		expect(screen.at(-1)).toMatch(/^ TIMELINE {2}h l select .* esc back/);
	});

	it('says below what is selected, and opens it in its channel', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('6 tasks in this window');
		terminal.write('hhhhhh');
		const screen = await terminal.waitFor(/│ Keep them, and mark them as walk-in\. @CLAUDE_TWIN/);
		expect(screen.join('\n')).toMatch(/HUMAN → CLAUDE_TWIN {2}signed {2}#8 {2}↳ #6/);
		expect(screen[laneOf(screen, 'HUMAN')]).toMatch(/^▌ .*▼━+●/);
		terminal.write('\r');
		const channel = await terminal.waitFor(rows => !rows.join('').includes('TIMELINE'));
		expect(channel.find(row => row.includes('▌│ Keep them'))).toBeDefined();
	});

	it('opens a task in the task pane', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('6 tasks in this window');
		terminal.write('hh');
		await terminal.waitFor(/▶ #5 write the summary +CLAUDE_1 {2}running/);
		terminal.write('\r');
		const screen = await terminal.waitFor(rows => !rows.join('').includes('TIMELINE'));
		// It is a step: its plan is selected.
		expect(screen.join('\n')).toMatch(/▌▶ #1 Task X: monthly report/);
	});

	it('goes back through what happened, shows only what was so then, and returns to the present', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('6 tasks in this window');
		terminal.write('<<<<<');
		const screen = await terminal.waitFor(/◐ \d\d:\d\d:\d\d as it was/);
		const text = screen.join('\n');
		expect(text).not.toContain('The totals of March');
		expect(text).not.toContain('Keep them');
		expect(screen[laneOf(screen, 'CLAUDE_TWIN') + 1]).toMatch(/^ {3}in a turn/);
		terminal.write('.');
		const next = await terminal.waitFor(rows => rows[1] !== screen[1]);
		expect(next[1]).toMatch(/as it was/);
		terminal.write('\u001B');
		await terminal.waitFor(rows => /● now/.test(rows[1] ?? '') && rows.join('').includes('The totals of March'));
		terminal.write('\u001B');
		await terminal.waitFor(rows => !rows.join('').includes('TIMELINE'));
	});

	it('says how far a message had come at the moment', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('▶ #2 fetch');
		await pressUntil(terminal, 'h', /│ Step 1 of 4 done/);
		await terminal.waitFor('✓✓ acked by 1 of 2');
		terminal.write('+++++');
		await terminal.waitFor(/ 10 min /);
		await pressUntil(terminal, '<', /as it was[^]*CLAUDE_1 stored {2}HUMAN ✓✓ acked/);
		await pressUntil(terminal, '<', /as it was[^]*CLAUDE_1 stored {2}HUMAN stored/);
		expect(terminal.text()).toMatch(/│ Step 1 of 4 done/);
	});

	it('plays from the beginning of the window, faster when asked, and stands again', async () => {
		const terminal = await open('afternoon', wide);
		await terminal.waitFor('6 tasks in this window');
		terminal.write(' ');
		await terminal.waitFor(/◐ \d\d:\d\d:\d\d playing 10×/);
		terminal.write('s');
		const first = (await terminal.waitFor(/playing 60×/))[1];
		await terminal.waitFor(rows => /playing 60×/.test(rows[1] ?? '') && rows[1] !== first);
		terminal.write(' ');
		await terminal.waitFor(/◐ \d\d:\d\d:\d\d as it was/);
		terminal.write('G');
		const screen = await terminal.waitFor(/● now/);
		expect(screen.join('')).toContain('The totals of March');
	});

	it('shows a day of 20,000 messages, with more in a cell as a darker one', async () => {
		const terminal = await open('day', wide);
		terminal.write('-----');
		const screen = await terminal.waitFor(/20,010 messages, 6 tasks in this window/, 60_000);
		expect(screen[laneOf(screen, 'PLANNER')]).toMatch(/[░▒▓]{30}/);
	});

	it('handles all keys while it is open', async () => {
		const terminal = await open('two', wide);
		terminal.write('cr#a\u001B[200~pasted\u001B[201~');
		terminal.write('T');
		const screen = await terminal.waitFor(rows => !rows.join('').includes('TIMELINE'));
		expect(screen.join('\n')).toContain('press c to write');
		expect(screen.at(-1)).toMatch(/^ READ/);
		expect(screen.join('\n')).not.toMatch(/pasted|Write as/);
	});

	it('follows what comes', async () => {
		const terminal = await open('busy', wide);
		await terminal.waitFor(/tick 30\b/);
		expect(terminal.text()).toContain('● now');
	});
});

describe('the timeline on smaller screens', () => {
	it('has lanes of two or three rows at 80x24', async () => {
		const terminal = await open('afternoon');
		const screen = await terminal.waitFor('6 tasks in this window');
		expect(screen[laneOf(screen, 'CLAUDE_TWIN')]).toMatch(/●/);
		expect(screen.every(row => row.length <= 80)).toBe(true);
		expect(screen.at(-1)).toMatch(/^ TIMELINE {2}h l select/);
	});

	it('scrolls its lanes where they are more than fit', async () => {
		const terminal = await open('ladder', {cols: 80, rows: 16});
		await terminal.waitFor(/lanes 1–\d of \d/);
		await pressUntil(terminal, 'j', /lanes [2-9]–\d of \d/);
		expect(terminal.text()).toMatch(/^▌./m);
	});

	it('fits all its keys into its help', async () => {
		const terminal = await open('afternoon');
		terminal.write('?');
		const screen = (await terminal.waitFor('Timeline')).join('\n');
		const lines = defaultBindings.filter(({help, scope: place}) => place === 'timeline' && help !== '');
		expect(lines.filter(({label, help}) => !screen.includes(`${label.padEnd(10)}${help}`))).toEqual([]);
		terminal.write('x');
		await terminal.waitFor(rows => !rows.join('').includes('Timeline'));
	});

	it('says so where there is no room at all', async () => {
		const terminal = await open('afternoon');
		terminal.resize(39, 9);
		await terminal.waitFor('needs at least 40x10');
		terminal.resize(80, 24);
		expect(await terminal.waitFor('TIMELINE')).toHaveLength(24);
	});
});
