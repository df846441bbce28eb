import {describe, expect, it, onTestFinished, vi} from 'vitest';
import type {TableRow} from '../../source/mailbox/table.ts';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {createController} from '../../source/tui/app/controller.ts';
import {createScene} from '../../source/tui/app/scene.ts';
import {channelOrder} from '../../source/tui/model/channel-order.ts';
import {layoutOf} from '../../source/tui/model/current-layout.ts';
import {createUi, withChannels} from '../../source/tui/model/ui.ts';
import {createGrid, drawScene, rowOf, type Scene} from '../../source/tui/screen/grid.ts';
import {scenes} from '../fixtures/scenes.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const turn = () => new Promise(resolve => setImmediate(resolve));

/** A mailbox as one frame after the other, without a terminal, React or Ink. */
async function open(columns: number, rows: number, fill = scenes['two']) {
	const server = new MemoryServer();
	await fill?.(server);
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	await store.ready;
	onTestFinished(() => store.close());
	const ui = createUi({columns, rows});
	ui.setState(
		withChannels(
			ui.getState(),
			channelOrder(store.getState()).map(tag => tag.toUpperCase()),
		),
	);
	const controller = createController({
		store,
		ui,
		redraw: () => {},
		suspend: () => {},
		rowOf: () => [],
		quit: () => {},
	});
	const scene = createScene({store, ui, name: 'local hub', now: () => 1_790_000_000_000});
	const drawn = (frame: Scene) => {
		const grid = createGrid(columns, rows);
		drawScene(grid, frame);
		return Array.from({length: rows}, (_, y) => rowOf(grid, y).join('').trimEnd()).join('\n');
	};
	const text = () => drawn(scene());
	const press = (...keys: readonly string[]) => keys.forEach(key => controller.input({type: 'key', key}));
	return {server, store, ui, scene, drawn, text, press};
}

const overlays: ReadonlyArray<readonly [what: string, keys: readonly string[], shows: RegExp, typed: boolean]> = [
	['the help', ['?'], /next pane/, false],
	['a question about the draft', ['c', 'a', 'escape', 'q'], /You have a draft\./, false],
	['the tag picker', ['#'], /Write as {2}#/, false],
	['a task', ['t', 'j', 'enter'], /#1 Task X: monthly report/, false],
	['whether to cancel a task', ['t', 'j', 'x'], /y cancel it {3}any other key keep it/, false],
	['whom a task is for', ['t', 'j', 'j', 'j', 'A'], /assign #\d+ to|cannot be assigned/, false],
	['the search', ['/', 't', 'h', 'e'], / {2}\/ the/, true],
	['the filter', ['f', 'x', ':'], / f x:/, true],
	['the palette', [':', 'g', 'o'], / {2}: go/, true],
	['whether to redact a message', ['k', 'x'], /Redact #/, false],
];

describe('the scene', () => {
	it('may leave what others wrote to the next frame when a letter is written, but nothing that a human does', async () => {
		const {server, scene, drawn, press, store} = await open(120, 40);
		const lines = (mayHold: boolean) => {
			const {held, ...frame} = scene(mayHold);
			return {held, text: drawn(frame)};
		};
		press('c');
		lines(false);
		server.insert('[CLAUDE_1] while you write');
		await turn();
		press('x');
		const letter = lines(true);
		expect(letter.held).toBe(true);
		expect(letter.text).toMatch(/^ +HUMAN .*x /m);
		expect(letter.text).not.toContain('while you write');
		expect(lines(false)).toEqual({held: false, text: expect.stringContaining('while you write')});
		// A letter without news needs no other frame.
		press('y');
		expect(lines(true).held).toBe(false);
		server.insert('[CLAUDE_1] and when you leave');
		await turn();
		press('escape');
		expect(lines(true)).toEqual({held: false, text: expect.stringContaining('and when you leave')});
		press('c');
		lines(false);
		server.insert('[CLAUDE_1] and when you send');
		await turn();
		void store.post({content: '[HUMAN] sent'});
		expect(lines(true)).toEqual({held: false, text: expect.stringContaining('and when you send')});
	});

	it('lays out what a burst brings to a pane in parts, between which a key is answered', async () => {
		const {server, scene, text, ui} = await open(200, 50);
		text();
		for (let nth = 0; nth < 40; nth += 1) server.insert(`[CLAUDE_1] **number** ${nth}`);
		await turn();
		const clock = vi.spyOn(performance, 'now');
		onTestFinished(() => clock.mockRestore());
		// Whatever is done takes a millisecond.
		clock.mockImplementation(() => clock.mock.calls.length);
		const tooMany = 200;
		let parts = 1;
		while (parts < tooMany && scene.prepare?.() === true) parts += 1;
		expect(parts).toBeGreaterThan(layoutOf(ui.getState()).panes.length + 5);
		// Each part goes on where the one before it ended.
		expect(parts).toBeLessThan(tooMany);
		expect(text()).toMatch(/number 38[^]*number 39/);
	});

	it.each([
		[200, 50],
		[120, 40],
		[80, 24],
		[40, 10],
	])('keeps every part and the cursor within the screen, whatever stands over the panes, at %ix%i', async (...size) => {
		const [columns, rows] = size;
		const faults: string[] = [];
		for (const [what, keys, shows, typed] of overlays) {
			const {scene, text, press} = await open(columns, rows);
			press(...keys);
			const {regions, cursor} = scene();
			const outside = regions.filter(
				({rect: {x, y, width, height}}) => x < 0 || y < 0 || x + width > columns || y + height > rows,
			);
			faults.push(...outside.map(({rect}) => `${what}: ${JSON.stringify(rect)} is not within the screen`));
			// On a small screen what is looked for may have scrolled away.
			if (columns >= 80 && !shows.test(text())) faults.push(`${what}: ${text()}`);
			const over = regions.at(-1)!.rect;
			const isIn = cursor?.y === over.y && cursor.x > over.x && cursor.x < over.x + over.width;
			if (typed ? !isIn : cursor !== null) faults.push(`${what}: the cursor is at ${JSON.stringify(cursor)}`);
			press('escape');
			if (text().includes('any other key')) faults.push(`${what} does not go away`);
		}
		expect(faults).toEqual([]);
	});

	it('says so where the screen is too small for it', async () => {
		const {text} = await open(30, 6);
		expect(text().replaceAll(/\s+/g, ' ')).toMatch(/^agentmux needs at least \d+x\d+; this terminal is 30x6/);
	});

	it('lays out a pane once, until something in it changes', async () => {
		const {scene, press, ui} = await open(120, 40);
		const lines = () => scene().regions[1]!.lines;
		press('c');
		const before = lines();
		press('a', 'b');
		expect(lines()).toBe(before);
		ui.setState({columns: 110});
		expect(lines()).not.toBe(before);
	});
});

describe('help that does not fit', () => {
	it('scrolls to its end and no further, so that one key leads back', async () => {
		const {text, press} = await open(80, 24);
		press('?');
		const first = text();
		expect(first).toContain('↓ more');
		press(...Array.from({length: 200}, () => 'j'));
		const last = text();
		expect(last).toContain('↑ back');
		press('k');
		expect(text()).not.toBe(last);
		press('G');
		expect(text()).toBe(last);
		press('g');
		expect(text()).toBe(first);
	});
});

describe('a task on its card', () => {
	it('shows the rows of its table also when they came while a question stood over it', async () => {
		const {store, ui, text, press} = await open(120, 40, async server => {
			await memoryMailbox(server, {tag: 'CLAUDE_1'}).tasks.add({title: 'count them'});
		});
		const [task] = store.getState().tasks.values();
		Object.assign(task!, {result_table: 'counts'});
		const read = Promise.withResolvers<readonly TableRow[]>();
		store.readTable = () => read.promise;
		press('t', 'j', 'enter', 'x');
		expect(text()).toMatch(/Cancel #1/);
		read.resolve([{colour: 'green', number: 12}]);
		await turn();
		press('n');
		expect(ui.getState().overlay).not.toBeNull();
		expect(text()).toMatch(/green/);
		expect(text()).not.toMatch(/reading/);
	});
});
