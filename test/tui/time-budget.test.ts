import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {TimeBudget} from '../../source/tui/markdown/time-budget.ts';
import {markdown, messageBody} from '../../source/tui/panes/message-body.ts';
import {repetitions} from '../fixtures/repetitions.ts';
import {bundle} from '../helpers/bundle.ts';
import {createUi} from '../../source/tui/model/ui.ts';
import {messageRow} from '../helpers/message.ts';
import {spawn} from '../helpers/terminal.ts';

/** Milliseconds that this process computes while `work` runs: a busy machine makes them no more. */
function computed(work: () => void): number {
	const before = process.cpuUsage();
	work();
	const {user, system} = process.cpuUsage(before);
	return (user + system) / 1000;
}

describe('a time budget', () => {
	it('stops code that does not end, also in a regular expression, and then runs nothing more', () => {
		for (const endless of [
			() => {
				for (;;);
			},
			() => /^(?:a+)+$/.test(`${'a'.repeat(60)}b`),
		]) {
			const budget = new TimeBudget(20);
			let result: unknown;
			expect(computed(() => (result = budget.run(endless)))).toBeLessThan(1000);
			expect(result).toBeNull();
			expect(budget.run(() => 'more')).toBeNull();
			expect(budget.runShort(() => 'more', 1)).toBeNull();
		}
	});

	it('returns results in time, and rethrows errors', () => {
		const budget = new TimeBudget(1000);
		expect(budget.run(() => 'done')).toBe('done');
		expect(budget.runShort(() => 'done', 1)).toBe('done');
		expect(() => budget.run(() => [].at(Number.NaN)?.['x'] ?? JSON.parse('{'))).toThrow(SyntaxError);
		const deep = (): number => deep() + 1;
		expect(() => budget.run(deep)).toThrow(RangeError);
	});
});

describe('a message of one piece over and over', () => {
	beforeAll(async () => {
		await import('../../source/tui/markdown/highlight.ts');
		while (markdown() === null) await new Promise(resolve => setTimeout(resolve, 10));
	});

	const ui = createUi({columns: 100, rows: 40}).getState();

	// Of these the lexer needed up to 18 s, and the highlighter 3 s.
	it.each(repetitions)('is laid out quickly, folded and whole: $name', ({text}) => {
		for (const length of [48_000, 262_144]) {
			const message = messageRow(length, `[CLAUDE_1] ${text(length - 11)}`);
			expect(computed(() => messageBody(ui, message, 100, false))).toBeLessThan(1000);
			expect(computed(() => messageBody(ui, message, 100, true))).toBeLessThan(2500);
		}
	});
});

describe('a screen of such messages', () => {
	let program: string;
	beforeAll(async () => {
		program = await bundle('tui.ts');
	});

	it('answers each key: they are gone through, and each is opened in its thread', async () => {
		const terminal = spawn([process.execPath, program], {cols: 100, rows: 40, env: {SCENE: 'repetitions'}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		await terminal.waitFor('after it');
		const last = repetitions.length * 2 + 1;
		// The first selects the newest, which is none of them.
		terminal.write('k');
		for (let id = last; id > 1; id--) {
			terminal.write('k\r');
			await terminal.waitFor(new RegExp(`⤷ thread #${id}\\b`), 5000);
			terminal.write('\u001B');
			await terminal.waitFor(screen => !screen.join('\n').includes(`⤷ thread #${id}`), 5000);
		}
		terminal.write('q');
		expect(await terminal.exited).toBe(0);
	});
});
