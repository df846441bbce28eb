import {mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {keptText, readKept} from '../../source/tui/compose/kept-draft.ts';
import {draftsOf} from '../../source/tui/model/draft.ts';
import {createUi, emptyCompose} from '../../source/tui/model/ui.ts';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

async function aFolder(): Promise<string> {
	const above = await mkdtemp(path.join(tmpdir(), 'agentmux-kept-'));
	onTestFinished(() => rm(above, {recursive: true}));
	return path.join(above, 'state', 'compose');
}

function start(scene: string, folder: string, env: {readonly [name: string]: string} = {}): TestTerminal {
	const terminal = spawn([process.execPath, program], {
		cols: 120,
		rows: 30,
		env: {SCENE: scene, KEEP: folder, ...env},
	});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const filesIn = async (folder: string) =>
	(await readdir(folder, {withFileTypes: true, recursive: true})).filter(entry => entry.isFile()).map(({name}) => name);

const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);

async function draftFile(folder: string): Promise<string> {
	const name = (await readdir(folder)).find(each => each.startsWith('draft'));
	return path.join(folder, name ?? 'draft.json');
}

const draftIn = async (folder: string) => readFile(await draftFile(folder), 'utf8').catch(() => '');

describe('the draft', () => {
	it.each(['SIGTERM', 'SIGHUP'])(
		'comes back after %s with its tag and what it answers, and is gone once sent',
		async signal => {
			const folder = await aFolder();
			const first = start('echo', folder);
			await first.waitFor('1 CLAUDE_1');
			first.write('cone\r');
			await first.waitFor('heard: @CLAUDE_1 one');
			first.write('\u001B');
			await first.waitFor(' READ ');
			first.write('r');
			await first.waitFor('↳ #2');
			first.write('#OTHER\r');
			await first.waitFor(/OTHER {2}by HUMAN/);
			first.write('half a 👩‍👩‍👧‍👦 thought');
			await first.waitFor('thought');
			first.kill(signal);
			await first.exited;
			expect(await modeOf(await draftFile(folder))).toBe('600');
			expect(await modeOf(folder)).toBe('700');

			const second = start('two', folder);
			await second.waitFor(/OTHER {2}by HUMAN ↳ #2 → @CLAUDE_1 half a .* thought/);
			await second.waitFor('● live');
			second.write('c!\r');
			await second.waitFor(/OTHER {2}by HUMAN → CLAUDE_1 {2}signed {2}↳ #2/);
			await second.waitFor(/OTHER {2}by HUMAN → +/);
			second.kill(signal);
			await second.exited;
			expect(await filesIn(folder)).toEqual(['sent.jsonl']);
		},
	);

	it('is written soon after typing stops, so that not even SIGKILL takes it', async () => {
		const folder = await aFolder();
		const first = start('two', folder);
		await first.waitFor('● live');
		first.write('cdo not lose this');
		await first.waitFor('do not lose this');
		await expect.poll(() => draftIn(folder)).toContain('do not lose this');
		first.kill('SIGKILL');
		await first.exited;
		expect(await start('two', folder).waitFor('do not lose this')).toHaveLength(30);
	});

	it('waits for the next start when one quits over it, and says so', async () => {
		const folder = await aFolder();
		const first = start('two', folder);
		await first.waitFor('● live');
		first.write('clater');
		await first.waitFor('later');
		first.write('\u001B');
		await first.waitFor(' READ ');
		first.write('q');
		await first.waitFor('quit and keep it');
		first.write('y');
		expect(await first.exited).toBe(0);
		expect(await start('two', folder).waitFor('later')).toHaveLength(30);
	});

	it('of one screen is not touched by another, and is taken over when its screen was killed', async () => {
		const folder = await aFolder();
		const first = start('two', folder);
		await first.waitFor('● live');
		first.write('cof the first');
		await first.waitFor('of the first');
		await expect.poll(() => draftIn(folder)).toContain('of the first');
		const second = start('two', folder);
		await second.waitFor('● live');
		expect(second.text()).not.toContain('of the first');
		second.write('cof the second');
		await second.waitFor('of the second');
		second.kill('SIGTERM');
		await second.exited;
		first.kill('SIGKILL');
		await first.exited;

		const third = start('two', folder);
		await third.waitFor('of the second');
		third.write('q');
		await third.waitFor('You have 2 drafts.');
		third.write('nc\u0015');
		await third.waitFor(' COMPOSE ');
		third.write('\u001B');
		await third.waitFor('of the first');
		third.kill('SIGTERM');
		await third.exited;
		expect((await filesIn(folder)).filter(name => name.startsWith('draft'))).toHaveLength(1);
		expect(await draftIn(folder)).toContain('of the first');
		expect(await draftIn(folder)).not.toContain('of the second');
	});

	it('of an earlier version is taken over', async () => {
		const folder = await aFolder();
		await mkdir(folder, {recursive: true});
		await writeFile(
			path.join(folder, 'draft.json'),
			'{"text":"from before","cursor":4,"reply":null,"prefill":"","tag":null}',
		);
		const screen = start('two', folder);
		await screen.waitFor('from before');
		screen.kill('SIGTERM');
		await screen.exited;
		expect(await draftIn(folder)).toContain('from before');
		expect(await filesIn(folder)).not.toContain('draft.json');
	});

	it('is ignored if its file is damaged or the folder cannot be written to', async () => {
		const folder = await aFolder();
		const first = start('two', folder);
		await first.waitFor('● live');
		first.write('cx');
		await expect.poll(() => draftIn(folder)).toContain('x');
		first.kill('SIGKILL');
		await first.exited;
		await writeFile(await draftFile(folder), '{"text": "half a li');
		const second = start('two', folder);
		await second.waitFor('press c to write');
		second.kill('SIGKILL');
		const third = start('two', '/dev/null/folder');
		await third.waitFor('● live');
		third.write('chello');
		await third.waitFor('hello');
		await third.waitFor('Cannot save the draft in /dev/null/folder (ENOTDIR).');
		third.write('!');
		expect(await third.waitFor('hello!')).toHaveLength(30);
	});
});

describe('what was sent', () => {
	async function goOffline(screen: TestTerminal): Promise<void> {
		await screen.waitFor(/\blive\b/);
		screen.kill('SIGUSR2');
		await screen.waitFor('offline');
	}

	it('goes out at the next start when there was no connection, once', async () => {
		const folder = await aFolder();
		const first = start('outage', folder);
		await goOffline(first);
		first.write('cstill there?\r');
		await first.waitFor('waiting for the connection');
		first.kill('SIGTERM');
		await first.exited;
		expect(await readdir(path.join(folder, 'unsent'))).toHaveLength(1);

		const second = start('echo', folder);
		await second.waitFor('heard: @CLAUDE_1 still there?');
		await expect.poll(() => filesIn(folder)).toEqual(['sent.jsonl']);
		expect(second.text().match(/ {2}│ @CLAUDE_1 still there|│ @CLAUDE_1 still there/g)).toHaveLength(1);
	});

	it('is still urgent then', async () => {
		const folder = await aFolder();
		const first = start('outage', folder);
		await goOffline(first);
		first.write('c/urgent still there?\r');
		await first.waitFor(/HUMAN urgent +waiting for the connection/);
		first.kill('SIGTERM');
		await first.exited;
		expect(await start('echo', folder).waitFor(/HUMAN urgent → CLAUDE_1/)).toHaveLength(30);
	});

	it('goes out at the next start of the screen for a screen reader, too', async () => {
		const folder = await aFolder();
		const first = start('outage', folder, {INK_SCREEN_READER: 'true'});
		await goOffline(first);
		first.write('cstill there?\r');
		await expect.poll(() => filesIn(folder)).toContainEqual(expect.stringMatching(/^0{9}1-.*\.json$/));
		first.kill('SIGKILL');
		await first.exited;

		const second = start('echo', folder, {INK_SCREEN_READER: 'true'});
		await second.waitFor('heard: @CLAUDE_1 still there?');
		await expect.poll(() => filesIn(folder)).toEqual(['sent.jsonl']);
	});

	it('goes out in its order when two screens of one mailbox had it, and both were killed', async () => {
		const folder = await aFolder();
		const screens = [start('outage', folder), start('outage', folder)] as const;
		for (const screen of screens) await goOffline(screen);
		const [one, other] = screens;
		one.write('cfirst of one\r');
		await one.waitFor('waiting for the connection');
		other.write('cfirst of the other\r');
		await other.waitFor('waiting for the connection');
		one.write('second of one\r');
		await one.waitFor('2 unsent');
		for (const screen of screens) screen.kill('SIGKILL');
		await Promise.all(screens.map(({exited}) => exited));

		const next = start('echo', folder);
		await next.waitFor('heard: @CLAUDE_1 second of one');
		const heard = next.text().matchAll(/heard: @CLAUDE_1 (\w+ of .*?one|first of the other)/g);
		expect([...heard].map(([, text]) => text)).toEqual(['first of one', 'first of the other', 'second of one']);
		await expect.poll(() => filesIn(folder)).toEqual(['sent.jsonl']);
	});

	it('is found again at the next start', async () => {
		const folder = await aFolder();
		const first = start('echo', folder);
		await first.waitFor('1 CLAUDE_1');
		first.write('cdeploy the parser\rthen the docs\r');
		await first.waitFor('heard: @CLAUDE_1 then the docs');
		first.kill('SIGTERM');
		await first.exited;
		expect(await modeOf(path.join(folder, 'sent.jsonl'))).toBe('600');
		const second = start('echo', folder);
		await second.waitFor('1 CLAUDE_1');
		second.write('c\u0012pars');
		await second.waitFor('→ @CLAUDE_1 deploy the parser');
		second.write('\u001B');
		await second.waitFor(rows => !rows.join('').includes('sent with'));
		second.write('\u001B[A');
		expect(await second.waitFor('→ @CLAUDE_1 then the docs')).toHaveLength(30);
	});
});

describe('the file of a draft', () => {
	const draft = {
		editor: {text: 'ab\nc', cursor: 2},
		tag: 'OTHER',
		reply: {id: 7, tag: 'A'},
		prefill: '',
		place: 'A',
	};

	it('is empty while there is no draft', () => {
		const ui = createUi({columns: 80, rows: 24}).getState();
		expect(keptText(draftsOf(ui))).toBeNull();
		const untouched = {...emptyCompose, prefill: '@A ', editor: {text: '@A ', cursor: 3}};
		expect(keptText(draftsOf({...ui, compose: untouched}))).toBeNull();
	});

	it('is read as it was written', () => {
		const other = {...draft, editor: {text: 'other', cursor: 0}, reply: null, prefill: '@B ', place: '#inbox'};
		expect(readKept(keptText([draft]) ?? '')).toEqual([{...draft, unsent: []}]);
		expect(readKept(keptText([other, draft]) ?? '')).toEqual([
			{...other, unsent: []},
			{...draft, unsent: []},
		]);
	});

	it.each(['', '[', '7', 'null', '{"text": 7}', '[1]'])('is ignored if it is %j', text => {
		expect(readKept(text)).toEqual([]);
	});

	it('is read without its unknown parts', () => {
		const strange = {text: 'a\0b👍', cursor: 3, tag: '[X]', reply: {id: -1, tag: 'A'}, unsent: [{content: 'x'}, 7]};
		const read = {editor: {text: 'ab👍', cursor: 4}, tag: null, reply: null, prefill: '', place: null, unsent: []};
		expect(readKept(JSON.stringify(strange))).toEqual([read]);
		expect(readKept(JSON.stringify({...strange, drafts: [7, strange, {}]}))).toEqual([read, read]);
	});
});
