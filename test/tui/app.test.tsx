import {cleanup, render} from 'ink-testing-library';
import {afterEach, describe, expect, it} from 'vitest';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {App} from '../../source/tui/app/app.tsx';
import {channelOrder} from '../../source/tui/model/channel-order.ts';
import {SurroundingsProvider} from '../../source/tui/view/context.ts';
import {createController} from '../../source/tui/app/controller.ts';
import {layoutOf} from '../../source/tui/model/current-layout.ts';
import type {Input} from '../../source/tui/terminal/keyboard.ts';
import {messageSentences} from '../../source/tui/screen-reader/lines.ts';
import {createUi, withChannels} from '../../source/tui/model/ui.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

afterEach(cleanup);

/** The app without a screen: panes render their lines as text. */
async function open(server: MemoryServer, size = {columns: 100, rows: 24}) {
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	const ui = createUi(size);
	await store.ready;
	ui.setState(
		withChannels(
			ui.getState(),
			channelOrder(store.getState()).map(tag => tag.toUpperCase()),
		),
	);
	let quits = 0;
	const controller = createController({
		store,
		ui,
		redraw: () => {},
		suspend: () => {},
		rowOf: () => [],
		quit: () => quits++,
	});
	const {lastFrame} = render(
		<SurroundingsProvider value={{store, ui, screen: null, name: 'local hub', now: Date.now}}>
			<App />
		</SurroundingsProvider>,
	);
	const settled = () => new Promise(resolve => setTimeout(resolve, 30));
	await settled();
	return {
		store,
		ui,
		server,
		quits: () => quits,
		// eslint-disable-next-line no-control-regex
		frame: () => (lastFrame() ?? '').replaceAll(/\u001B\[[0-9;]*m/g, ''),
		press: async (...inputs: ReadonlyArray<Input | string>) => {
			for (const input of inputs) controller.input(typeof input === 'string' ? {type: 'key', key: input} : input);
			await settled();
		},
		type: async (text: string) => {
			controller.input({type: 'text', text});
			await settled();
		},
	};
}

describe('a message that is redacted while it is shown', () => {
	it('is replaced by a note in the panes and for the screen reader', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] before it');
		const secret = server.insert('[CLAUDE_1] the password is hunter2 @HUMAN');
		server.insert('[CLAUDE_1] after it');
		const {frame, store} = await open(server);
		await expect.poll(frame).toContain('hunter2');
		server.redact(secret.id, {tag: 'HUMAN', kind: 'human', verified: true}, 'a\u001B[2Jpassword');
		await expect.poll(frame).toContain('(redacted by HUMAN, unsigned: a␛[2Jpassword)');
		expect(frame()).not.toContain('hunter2');
		expect(frame()).toContain('before it');
		expect(frame()).toContain('after it');
		const message = store.getState().messages.find(({id}) => id === secret.id)!;
		expect(messageSentences(store.getState(), message, Date.now()).join('\n')).toContain(
			'(redacted by HUMAN, unsigned: a␛[2Jpassword)',
		);
	});
});

describe('the app without a screen', () => {
	it('renders the same lines as text', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] hello @CLAUDE_TWIN\nsecond line');
		const {frame} = await open(server);
		expect(frame()).toMatch(/▌1 CLAUDE_TWIN|▌1 CLAUDE_1/);
		expect(frame()).toMatch(/CLAUDE_1 {2}unverified → CLAUDE_TWIN/);
		expect(frame()).toMatch(/│ second line/);
	});

	it('handles keys that come as one string one by one', async () => {
		const server = new MemoryServer();
		for (let number = 1; number <= 9; number++) server.insert(`[CLAUDE_1] message ${number}`);
		const {ui, type} = await open(server);
		await type('kkk');
		expect(ui.getState().views.get('CLAUDE_1')?.selected).toBe('7');
		await type('jjG');
		expect(ui.getState().views.get('CLAUDE_1')).toEqual({anchor: null, selected: null});
	});

	it('counts what comes elsewhere as unread until it is looked at', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] one');
		server.insert('[CLAUDE_2] two');
		const app = await open(server, {columns: 200, rows: 20});
		server.insert('[CLAUDE_1] three');
		await app.press({type: 'key', key: '1'});
		expect(app.frame()).toMatch(/2 CLAUDE_1 {2}1 new/);
		await app.type('2');
		expect(app.ui.getState().focus).toBe('CLAUDE_1');
	});

	it('puts a rejected message back into the compose line, with the reason', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] one');
		const app = await open(server, {columns: 160, rows: 24});
		await app.type('c');
		await app.press({type: 'paste', text: `nul${'x'.repeat(10)}`});
		const post = server.post.bind(server);
		server.post = () => {
			server.post = post;
			throw new (class extends Error {})('broken');
		};
		await app.press('enter');
		await app.press();
		expect(app.ui.getState().compose.editor.text).toContain('nulxxxxxxxxxx');
		expect(app.ui.getState().compose.error).toContain('broken');
		await app.press('enter');
		expect(server.messages.at(-1)?.body).toContain('nulxxxxxxxxxx');
	});

	it('shows a rejected message on its row while the next one is being written, and r puts it back into the compose line', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] one');
		const app = await open(server, {columns: 160, rows: 24});
		const post = server.post.bind(server);
		server.post = () => {
			server.post = post;
			throw new (class extends Error {})('broken');
		};
		await app.type('crefused');
		await app.press('enter', {type: 'text', text: 'next'});
		await app.press();
		expect(app.frame()).toMatch(/HUMAN +not sent · r to edit it/);
		expect(app.ui.getState().compose.editor.text).toContain('next');
		await app.press('^u', 'escape');
		await app.type('r');
		expect(app.ui.getState().compose.editor.text).toContain('refused');
		expect(app.store.getState().pending).toEqual([]);
	});

	it('keeps a pane that the human is in where it is when another channel appears', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] one');
		const {ui} = await open(server);
		ui.setState(withChannels(ui.getState(), ['CLAUDE_1', 'CLAUDE_2']));
		expect(ui.getState()).toMatchObject({focus: 'CLAUDE_1'});
		expect(ui.getState().arrangement.order.slice(0, 2)).toEqual(['CLAUDE_1', 'CLAUDE_2']);
	});

	it('puts a channel without a pane in place of the focused one, and of no other', async () => {
		const server = new MemoryServer();
		for (const number of [4, 3, 2, 1]) server.insert(`[CLAUDE_${number}] ${number}`);
		const {ui, type} = await open(server, {columns: 200, rows: 24});
		const shown = () => layoutOf(ui.getState()).mainPanes;
		expect(shown()).toEqual(['CLAUDE_1', 'CLAUDE_2']);
		await type('24');
		expect(ui.getState().focus).toBe('CLAUDE_4');
		expect(shown()).toEqual(['CLAUDE_1', 'CLAUDE_4']);
		await type('1P3');
		expect(shown()).toEqual(['CLAUDE_1', 'CLAUDE_3']);
	});

	it('marks a message as done, and shows that it was delivered', async () => {
		const server = new MemoryServer();
		const claude = memoryMailbox(server, {tag: 'CLAUDE_1'});
		const {id} = await claude.post({content: '[CLAUDE_1] may I? @HUMAN'});
		const app = await open(server, {columns: 200, rows: 24});
		await app.type('1');
		await app.press('escape');
		await app.type('ka');
		await app.press();
		expect([...server.receipts.values()]).toMatchObject([
			{message_id: id, reader: 'HUMAN', state: 'acked', route: 'tui'},
		]);
		await app.type('a');
		expect(app.ui.getState().notice).toBe('This message does not wait for you.');
	});

	it('treats a paste of 200 kB as one change, which ^_ undoes as one', async () => {
		const {ui, type, press} = await open(new MemoryServer());
		await type('cbefore ');
		let changes = 0;
		let {editor} = ui.getState().compose;
		ui.subscribe(({compose}) => {
			if (compose.editor !== editor) changes++;
			({editor} = compose);
		});
		await press({type: 'paste', text: 'line\r\n'.repeat(40_000)});
		expect(changes).toBe(1);
		expect(editor.text).toBe(`before ${'line\n'.repeat(40_000)}`);
		await press('^_');
		expect(ui.getState().compose.editor.text).toBe('before ');
	});

	it('goes through what was sent with the arrows, but never over a draft', async () => {
		const server = new MemoryServer();
		const app = await open(server);
		await app.type('cfirst');
		await app.press('enter');
		await app.type('second');
		await app.press('enter');
		await app.press('up');
		expect(app.ui.getState().compose.editor.text).toBe('second');
		await app.press('up', 'down', 'down');
		expect(app.ui.getState().compose.editor.text).toBe('');
		await app.type('draft');
		await app.press('up');
		expect(app.ui.getState().compose.editor.text).toBe('draft');
	});
});
