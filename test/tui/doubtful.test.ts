import {beforeAll, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

const sizes = [
	{cols: 200, rows: 50},
	{cols: 120, rows: 40},
	{cols: 80, rows: 24},
];

it.each(sizes)('shows which messages are signed and which only claim to be, at $cols x $rows', async size => {
	const terminal = spawn([process.execPath, program], {...size, env: {SCENE: 'doubtful'}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('live');
	terminal.write('g0');
	terminal.write('a');
	const screen = await terminal.waitFor(/INVALID SIGNATURE/);
	const text = screen.join('\n');
	expect(text).toMatch(/HUMAN → CLAUDE_1 {2}signed/);
	// However many it is addressed to.
	expect(text).toMatch(/HUMAN {2}INVALID SIGNATURE/);
	expect(text).toMatch(/HUMAN_ ≠ HUMAN/);
	expect(text).toMatch(/CLAUDE_I ≠ CLAUDE_1/);
	expect(text).toMatch(/imitates HUMAN/);
	expect(text).not.toMatch(/CLAUDE_1 ≠|(?<!≠ )HUMAN ≠/);
});
