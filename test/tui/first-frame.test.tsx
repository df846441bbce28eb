import {EventEmitter} from 'node:events';
import {describe, expect, it, onTestFinished} from 'vitest';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {help} from '../../source/tui/app/help.ts';
import {createScene} from '../../source/tui/app/scene.ts';
import {mount} from '../../source/tui/run/mount.tsx';
import {createScreen} from '../../source/tui/screen/screen.ts';
import {createTerminalColours} from '../../source/tui/screen/sgr.ts';
import {paletteOf} from '../../source/tui/settings/colours.ts';
import {createUi} from '../../source/tui/model/ui.ts';

const turn = () => new Promise(resolve => setTimeout(resolve, 50));

/** The first frame, of a mailbox that is still opening, on a terminal of this size, and all that was written to it. */
function first(columns: number, rows: number) {
	const written: string[] = [];
	const output = Object.assign(new EventEmitter(), {columns, rows, write: (bytes: string) => written.push(bytes)});
	const store = createMailboxStore(Promise.withResolvers<Mailbox>().promise);
	const ui = createUi({columns, rows});
	const screen = createScreen(output, createTerminalColours(24, paletteOf()));
	const surroundings = {store, ui, screen, name: 'local hub', now: () => 1_790_000_000_000};
	screen.show(createScene(surroundings));
	ui.subscribe(() => screen.invalidate());
	screen.flush();
	onTestFinished(() => screen.stop());
	const lines = () => Array.from({length: rows}, (_, y) => screen.row(y).join('').trimEnd());
	return {written, ui, lines, surroundings};
}

describe('the first frame', () => {
	it.each([
		[200, 50],
		[80, 24],
		[40, 10],
	])('stays as it is when Ink has come, so that nothing is written twice, at %ix%i', async (columns, rows) => {
		const {written, lines, surroundings} = first(columns, rows);
		expect(lines()[0]).toMatch(/^ agentmux/);
		expect(lines().at(-1)).toMatch(/^ READ/);
		await turn();
		const before = lines();
		const frames = written.length;
		const app = mount(surroundings);
		onTestFinished(() => app.unmount());
		await turn();
		expect(lines()).toEqual(before);
		expect(written.slice(frames)).toEqual([]);
	});

	it('shows what is typed before Ink is there, and moves with the line', async () => {
		const {lines, ui} = first(80, 24);
		await turn();
		ui.setState({mode: 'compose', compose: {...ui.getState().compose, editor: {text: 'one\ntwo', cursor: 7}}});
		await turn();
		expect(lines().at(-3)).toMatch(/HUMAN {2}→ one/);
		expect(lines().at(-2)).toMatch(/^ +two/);
		expect(lines().at(-1)).toMatch(/^ COMPOSE/);
	});

	it('shows an overlay, and what is said later on, before Ink is there', async () => {
		const {lines, ui} = first(80, 24);
		await turn();
		ui.setState({overlay: help(ui)});
		await turn();
		expect(lines().join('\n')).toMatch(/Reading/);
		ui.setState({overlay: null, notice: 'The mouse is off.'});
		await turn();
		expect(lines().join('\n')).not.toMatch(/Reading/);
		expect(lines().at(-1)).toMatch(/^ READ {2}The mouse is off\./);
	});
});
