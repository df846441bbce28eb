import {describe, expect, it, onTestFinished} from 'vitest';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {loadedCount} from '../../source/store/state/window.ts';
import type {SeenMarks} from '../../source/store/state/seen-marks.ts';
import {channelOrder} from '../../source/tui/model/channel-order.ts';
import {createController} from '../../source/tui/app/controller.ts';
import {layoutOf} from '../../source/tui/model/current-layout.ts';
import {paneLines} from '../../source/tui/panes/paint.ts';
import {createUi, withChannels} from '../../source/tui/model/ui.ts';
import {unreadLabel} from '../../source/tui/model/unread.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

/** The focused pane of a screen over `count` messages of two channels in turn, without a terminal. */
async function open(count: number, before: (server: MemoryServer) => SeenMarks | null = () => null) {
	const server = new MemoryServer();
	const seen = before(server);
	for (let number = 1; number <= count; number++) server.insert(`[CLAUDE_${(number % 2) + 1}] message ${number}.`);
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	if (seen !== null) store.remember(seen);
	onTestFinished(() => store.close());
	const ui = createUi({columns: 90, rows: 124});
	await store.ready;
	ui.setState(withChannels(ui.getState(), channelOrder(store.getState())));
	const controller = createController({
		store,
		ui,
		redraw: () => {},
		suspend: () => {},
		rowOf: () => [],
		quit: () => {},
	});
	return {
		store,
		ui,
		server,
		/** The numbers of the messages on the screen. */
		shown: (): number[] => {
			const now = ui.getState();
			const layout = layoutOf(now);
			const placed = layout.panes.find(({id}) => id === now.focus);
			if (placed === undefined) throw new Error('The focused pane is not on the screen.');
			const lines = paneLines(store.getState(), now, layout, placed.id, placed.rect, Date.now());
			return lines
				.map(({strip}) => / message (\d+)\./.exec(strip.glyphs.join(''))?.[1])
				.filter(number => number !== undefined)
				.map(Number);
		},
		press: async (key: string): Promise<void> => {
			controller.input({type: 'key', key});
			// What it asked the mailbox for comes within these turns.
			for (let turn = 0; turn < 6; turn++) await new Promise(resolve => setImmediate(resolve));
		},
	};
}

describe('scrolling through 20,000 messages', () => {
	it.each([
		['one channel', '2', 2],
		['everything', '9', 1],
	])(
		'of %s shows each one on the way to the oldest and back, and never holds many',
		async (_, key, step) => {
			const {store, server, shown, press} = await open(20_000);
			await press(key);
			await press('+');
			const all = server.messages.map(({id}) => id).filter(id => step === 1 || id % 2 === 1);
			const seen = new Set<number>();
			let most = 0;
			const walk = async (key: string, until: () => boolean): Promise<void> => {
				for (const number of shown()) seen.add(number);
				for (let pages = 0; !until(); pages++) {
					if (pages > 1500) throw new Error(`It never got there; it shows ${shown().join()}.`);
					await press(key);
					const numbers = shown();
					// Nothing is left out in the middle.
					expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + step * at));
					for (const number of numbers) seen.add(number);
					most = Math.max(most, loadedCount(store.getState()));
				}
			};
			const [first = 0, last = 0] = [all[0], all.at(-1)];
			await walk('pageup', () => shown().includes(first));
			expect(seen.size).toBe(all.length);
			seen.clear();
			await walk('pagedown', () => shown().includes(last));
			expect(seen.size).toBe(all.length);
			expect(most).toBeLessThanOrEqual(500 + 1000);
			server.insert('[CLAUDE_2] message 20001.');
			await press('pagedown');
			expect(shown()).toContain(20_001);
			// Some 2,000 frames: half a minute beside others on a slow machine.
		},
		240_000,
	);
});

describe('unread messages from before the window', () => {
	it('count as at least one, and u goes to the first', async () => {
		const {store, ui, shown, press} = await open(3000, server => {
			for (let number = 1; number <= 60; number++) server.insert(`[QUIET] message ${number}.`);
			return {
				epoch: server.epoch,
				from: 10,
				marks: new Map([
					['QUIET', 20],
					['CLAUDE_1', 3060],
					['CLAUDE_2', 3060],
				]),
			};
		});
		expect(unreadLabel(store.getState(), 'QUIET')).toBe('1+');
		await press('u');
		expect(ui.getState().focus).toBe('QUIET');
		expect(shown()[0]).toBe(21);
		expect(ui.getState().views.get('QUIET')?.selected).toBe('21');
	});
});
