import {expect, it, vi} from 'vitest';
import type {Connection} from '../../source/mailbox/event.ts';
import {emptyState} from '../../source/store/state/state.ts';
import {markdown, messageBody} from '../../source/tui/panes/message-body.ts';
import {textOf} from '../../source/tui/screen/strip.ts';
import {topLine} from '../../source/tui/view/top-line.ts';
import {createUi} from '../../source/tui/model/ui.ts';
import {messageRow} from '../helpers/message.ts';

const now = Date.parse('2026-11-20T14:03:00Z');

it('counts nothing in the top line before all has been read', () => {
	const ui = createUi({columns: 120, rows: 40}).getState();
	const question = messageRow(1, '[CLAUDE_1] drop them? @HUMAN');
	const identity = {tag: 'HUMAN', kind: 'human', verified: true} as const;
	const said = (loaded: boolean, connection: Connection) =>
		textOf(topLine({...emptyState, identity, loaded, connection, messages: [question]}, ui, 'local hub', now));
	expect(said(false, {phase: 'live'})).toMatch(/ ◌ reading $/);
	expect(said(false, {phase: 'connecting'})).toMatch(/ ◌ connecting $/);
	expect(said(true, {phase: 'live'})).toMatch(/ ● live {2}1 for you $/);
});

it('says which statement everyone waits for, whatever the connection looks like', () => {
	const busy = {who: 'the owner of the database', since: now - 12_000};
	const said = (columns: number, connection: Connection, loaded = true) => {
		const ui = createUi({columns, rows: 40}).getState();
		return textOf(topLine({...emptyState, loaded, connection, busy}, ui, 'local hub', now));
	};
	for (const phase of ['live', 'connecting', 'catching_up'] as const) {
		expect(said(120, {phase})).toMatch(/ ◌ busy: a statement of the owner of the database has run for 12 s $/);
		expect(said(80, {phase}, false)).toMatch(/ ◌ busy 12 s $/);
	}
});

it('says of a long message that there is more, before Markdown can be read and after', async () => {
	const message = messageRow(1, `[CLAUDE_1] ${'word,'.repeat(10_000)}`);
	const ui = createUi({columns: 80, rows: 24}).getState();
	const last = () => messageBody(ui, message, 80, false).map(textOf)[40];
	expect(last()).toContain('50,000 characters in all');
	await vi.waitUntil(() => markdown() !== null, {timeout: 10_000});
	expect(last()).toContain('50,000 characters in all');
});
