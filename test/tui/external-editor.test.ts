import {chmod, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

interface Session {
	readonly terminal: TestTerminal;
	/** The file of the draft while it is edited, among others. */
	readonly folder: string;
	readonly home: string;
}

/** The screen with `editor`, a shell script, as $EDITOR, and a draft in its line. */
async function start(editor: string, env: {readonly [name: string]: string} = {}): Promise<Session> {
	const home = await mkdtemp(path.join(tmpdir(), 'agentmux-editor-'));
	onTestFinished(() => rm(home, {recursive: true}));
	const script = path.join(home, 'an editor.sh');
	await writeFile(script, `#!/bin/sh\n${editor}\n`);
	await chmod(script, 0o755);
	const folder = path.join(home, 'kept');
	const terminal = spawn([process.execPath, program], {
		cols: 120,
		rows: 30,
		env: {SCENE: 'echo', KEEP: folder, HOME_OF_TEST: home, EDITOR: `"${script}" -w`, ...env},
	});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('1 CLAUDE_1');
	terminal.write('chalf a thought');
	await terminal.waitFor('half a thought');
	return {terminal, folder, home};
}

const editsLeft = async (folder: string) => (await readdir(folder)).filter(name => name.startsWith('edit-'));

describe('^X', () => {
	it('hands the draft and the terminal to $EDITOR, and restores both afterwards', async () => {
		const {terminal, folder, home} = await start(
			`stat -c %a "$(dirname "$2")" > "$HOME_OF_TEST/modes"; stat -c %a "$2" >> "$HOME_OF_TEST/modes"
			cp "$2" "$HOME_OF_TEST/was"; stty -a | grep -o '.icanon'
			echo "EDITING WITH $1"; read line; printf '%s\\n' "$line" 'second line' >> "$2"`,
		);
		const shown = (rows: readonly string[]) => rows.map(row => row.trimEnd()).join('\n');
		const before = shown(terminal.screen());
		terminal.write('\u0018\u0005');
		const screen = await terminal.waitFor('EDITING WITH -w');
		expect(terminal.alternate).toBe(false);
		expect(screen.join('\n')).toMatch(/ icanon/);
		expect(screen.join('\n')).not.toContain('COMPOSE');
		terminal.write('from the editor\r');
		await terminal.waitFor(/→ @CLAUDE_1 half a thought[^]*\n +from the editor\n +second line/);
		expect(terminal.alternate).toBe(true);
		expect(await readFile(path.join(home, 'was'), 'utf8')).toBe('@CLAUDE_1 half a thought\n');
		expect(await readFile(path.join(home, 'modes'), 'utf8')).toBe('700\n600\n');
		expect(await editsLeft(folder)).toEqual([]);
		terminal.write('\u001F');
		await terminal.waitFor(rows => shown(rows) === before);
		terminal.write('!\r');
		expect(await terminal.waitFor('heard: @CLAUDE_1 half a thought!')).toHaveLength(30);
	});

	it.each([
		['ends with an error', 'exit 3', 'failed (exit 3). The draft is unchanged.'],
		['is killed', 'kill -TERM $$', 'failed (SIGTERM). The draft is unchanged.'],
		['takes the file away', 'rm "$2"', 'removed the file. The draft is unchanged.'],
	])('leaves the draft as it was when the editor %s', async (_, editor, sentence) => {
		const {terminal, folder} = await start(editor);
		terminal.write('\u0018');
		expect((await terminal.waitFor(`$EDITOR ${sentence}`)).join('\n')).toContain('→ @CLAUDE_1 half a thought');
		expect(await editsLeft(folder)).toEqual([]);
		terminal.write(' goes on');
		expect(await terminal.waitFor('half a thought goes on')).toHaveLength(30);
	});

	it('says when there is no such editor', async () => {
		const {terminal} = await start('', {VISUAL: 'no-such-editor --flag'});
		terminal.write('\u0018');
		await terminal.waitFor('Editor `no-such-editor --flag` not found: set $VISUAL or $EDITOR to');
		expect(terminal.text()).toContain('→ @CLAUDE_1 half a thought');
	});

	it('keeps what an editor had saved before it failed, and says where', async () => {
		const {terminal, folder} = await start('echo "an hour of work" > "$2"; exit 1');
		terminal.resize(400, 30);
		terminal.write('\u0018');
		await terminal.waitFor('The saved text is in');
		const [left = ''] = await editsLeft(folder);
		expect(await readFile(path.join(folder, left, 'message.md'), 'utf8')).toBe('an hour of work\n');
	});

	it('ends the editor when the program ends, and restores the terminal', async () => {
		const {terminal, folder} = await start('echo WAITING; exec sleep 60');
		terminal.write('\u0018');
		await terminal.waitFor('WAITING');
		terminal.kill('SIGTERM');
		expect(await terminal.exited).toBe(0);
		expect(terminal.alternate).toBe(false);
		expect(
			await readFile(path.join(folder, (await readdir(folder)).find(name => name.startsWith('draft-')) ?? ''), 'utf8'),
		).toContain('half a thought');
	});

	it('leaves ^C to the editor', async () => {
		const {terminal} = await start(`trap 'echo GOT ^C; caught=1' INT; echo WAITING
			while [ -z "$caught" ]; do sleep 0.1; done; echo edited > "$2"`);
		terminal.write('\u0018');
		await terminal.waitFor('WAITING');
		terminal.write('\u0003');
		await terminal.waitFor(/→ edited/);
		expect(terminal.alternate).toBe(true);
	});
});
