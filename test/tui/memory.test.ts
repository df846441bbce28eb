import {expect, test, vi} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {Cache} from '../../source/tui/panes/cache.ts';
import {messageHead} from '../../source/tui/panes/message-block.ts';
import {markdown, messageBody} from '../../source/tui/panes/message-body.ts';
import {imitationMarks} from '../../source/tui/panes/look-alike.ts';
import {createUi} from '../../source/tui/model/ui.ts';
import {collectGarbage} from '../helpers/collect.ts';
import {messageRow} from '../helpers/message.ts';

const width = 60;
const ui = createUi({columns: 80, rows: 24}).getState();
const owner = {};

/** Draws each message once, all of them held by a window; how much of what was made for them is still there. */
async function keptOf(count: number): Promise<{heads: number; lines: number; marks: number}> {
	const messages = Array.from({length: count}, (_, nth) => messageRow(nth + 1, `[CLAUDE_1] @CLAUDE_2 number ${nth}`));
	const state: State = {...emptyState, loaded: true, messages};
	const [heads, lines, marks] = [new Set<WeakRef<object>>(), new Set<WeakRef<object>>(), new Set<WeakRef<object>>()];
	const draw = (message: Message): void => {
		heads.add(new WeakRef(messageHead(state, message, width, 0)));
		for (const line of messageBody(ui, message, width, false)) lines.add(new WeakRef(line));
		marks.add(new WeakRef(imitationMarks(state, message)));
	};
	for (const message of messages) draw(message);
	await collectGarbage();
	const alive = (all: ReadonlySet<WeakRef<object>>): number =>
		[...all].filter(each => each.deref() !== undefined).length;
	expect(state.messages).toHaveLength(count);
	return {heads: alive(heads), lines: alive(lines), marks: alive(marks)};
}

test('what was drawn of messages does not stay as long as they do', async () => {
	await vi.waitFor(() => expect(markdown()).not.toBeNull(), {timeout: 20_000});
	const few = await keptOf(1500);
	const many = await keptOf(6000);
	for (const kept of [few, many]) {
		expect(Math.min(...Object.values(kept))).toBeGreaterThan(0);
		// Two generations of 600 each.
		expect(Math.max(...Object.values(kept))).toBeLessThanOrEqual(1200);
	}
});

test('a cache keeps what is asked for, however much it is, and little else', () => {
	const cache = new Cache<string>(10, text => text.length);
	const long = 'x'.repeat(25);
	const other = 'y'.repeat(25);
	let made = 0;
	const ask = (key: string, make: string): string => {
		const known = cache.get(owner, key);
		if (known !== undefined) return known;
		made += 1;
		return cache.set(owner, key, make);
	};
	for (let frame = 0; frame < 5; frame += 1) {
		expect(ask('long', long)).toBe(long);
		expect(ask('other', other)).toBe(other);
	}
	expect(made).toBe(2);
	for (let nth = 0; nth < 100; nth += 1) {
		ask(`once ${nth}`, 'z');
		ask('long', long);
	}
	expect(made).toBe(102);
	const kept = Array.from({length: 100}, (_, nth) => cache.get(owner, `once ${nth}`)).filter(
		each => each !== undefined,
	);
	expect(kept.length).toBeLessThanOrEqual(20);
	expect(cache.get(owner, 'other')).toBeUndefined();
	cache.clear();
	expect(cache.get(owner, 'long')).toBeUndefined();
});
