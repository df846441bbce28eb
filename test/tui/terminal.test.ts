import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

function start(scene: string, options: SpawnOptions = {}): TestTerminal {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: scene, ...options.env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const wide = {cols: 200, rows: 50};

describe('the screen at 200x50', () => {
	it('shows each channel in a pane of its own, tasks beside them, and who is there', async () => {
		const terminal = start('two', wide);
		const screen = await terminal.waitFor('● live');
		expect(screen[0]).toMatch(/^ agentmux {2}local hub .*● live {2}2 agents {2}1 running {2}1 for you$/);
		expect(screen[1]).toMatch(/1 CLAUDE_1 ● in a turn.*│ 2 CLAUDE_TWIN ◐ blocked.*│ 3 TASKS {2}1 running/);
		expect(screen.join('\n')).toMatch(/▶ #1 Task X: monthly report +CLAUDE_TWIN/);
		expect(screen.join('\n')).toMatch(/○ #5 Review the numbers +after #1/);
		expect(screen.join('\n')).toMatch(/CLAUDE_1 → CLAUDE_TWIN {2}unverified/);
		expect(screen.join('\n')).toMatch(/CLAUDE_TWIN → HUMAN +waiting for you/);
		expect(screen.at(-1)).toMatch(/^ READ .*q quit/);
	});

	it('shows a message that comes while it is open', async () => {
		const terminal = start('busy', wide);
		expect(await terminal.waitFor(/tick 25\b/)).toHaveLength(50);
	});

	it('sends what is typed under the chosen tag, with its true author beside it', async () => {
		const terminal = start('echo', wide);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c#');
		await terminal.waitFor('Write as');
		terminal.write('OTHER\r');
		await terminal.waitFor(/ OTHER {2}by HUMAN → @CLAUDE_1/);
		terminal.write('good morning\r');
		const screen = await terminal.waitFor('heard: @CLAUDE_1 good morning');
		expect(screen.join('\n')).toMatch(/OTHER → CLAUDE_1 {2}by HUMAN {2}⤷ 1/);
	});
});
