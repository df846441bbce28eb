import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {defaultBindings} from '../../source/tui/settings/actions.ts';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

function start(scene: string, options: SpawnOptions = {}): TestTerminal {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: scene, ...options.env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

/** In a shell, to see what is on the terminal afterwards. */
function startInShell(scene: string): TestTerminal {
	const script = `echo BEFORE; SCENE=${scene} '${process.execPath}' '${program}'; echo "ENDED $?"; stty -a | grep -o '.icanon'; sleep 30`;
	const terminal = spawn(['/bin/sh', '-c', script]);
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const wide = {cols: 200, rows: 50};
const bracketed = (text: string) => `\u001B[200~${text}\u001B[201~`;

it('loses no key that is typed before the program has begun to read', async () => {
	const typing = start('two', wide);
	typing.write('chello');
	const written = await typing.waitFor(/HUMAN {2}→ .*hello/);
	expect(written.at(-1)).toMatch(/^ COMPOSE/);
	const asking = start('two', wide);
	asking.write('?');
	expect((await asking.waitFor(/Reading +/)).join('\n')).toContain('next pane');
});

describe('the screen at 200x50', () => {
	it('shows each channel in a pane of its own, tasks beside them, and who is there', async () => {
		const terminal = start('two', wide);
		const screen = await terminal.waitFor(/● live .*1 running .*1 for you/);
		expect(screen[0]).toMatch(/^ agentmux {2}local hub .*● live {2}2 agents {2}1 running {2}1 for you$/);
		expect(screen[1]).toMatch(/1 CLAUDE_1 ● in a turn.*│ 2 CLAUDE_TWIN ◐ blocked.*│ 6 TASKS {2}1 running/);
		const text = screen.join('\n');
		expect(text).toMatch(/▶ #1 Task X: monthly report +CLAUDE_TWIN/);
		expect(text).toMatch(/○ #5 Review the numbers +after #1/);
		expect(text).toMatch(/CLAUDE_1 {2}unverified → CLAUDE_TWIN/);
		expect(text).toMatch(/CLAUDE_TWIN → HUMAN +waiting for you/);
		expect(text).toMatch(/● CLAUDE_1 builds +in a turn/);
		expect(screen.at(-1)).toMatch(/^ READ .*q quit/);
	});

	it('shows how far each message got, and who is really there', async () => {
		const terminal = start('ladder', wide);
		const screen = await terminal.waitFor('stuck after 5 tries');
		const text = screen.join('\n');
		expect(text).toMatch(/HUMAN → CLAUDE_1 {2}signed +✓✓ acked \d+ s/);
		expect(text).toMatch(/HUMAN → CLAUDE_1 {2}signed +✓ delivered mid-turn/);
		expect(text).toMatch(/HUMAN → CLAUDE_1, CLAUDE_TWIN {2}signed +✓✓ acked by 1 of 2/);
		expect(text).toMatch(/HUMAN → CLAUDE_TWIN {2}signed +on its way/);
		expect(text).toMatch(/HUMAN → REVIEWER {2}signed +taken 3 times, never delivered/);
		expect(text).toMatch(/× GHOST +gone since \d\d:\d\d/);
		expect(screen[0]).toMatch(/4 agents/);
		expect(text.indexOf('○ REVIEWER')).toBeLessThan(text.indexOf('× GHOST'));
	});

	it('says immediately that a tag is unknown, and shows when the selected message reached each stage', async () => {
		const terminal = start('ladder', wide);
		await terminal.waitFor(/ CLAUDE_TWIM /);
		terminal.write('\u001B[Z');
		const screen = await terminal.waitFor('no agent CLAUDE_TWIM');
		expect(screen.join('\n')).toMatch(/CLAUDE_TWIM {2}never joined; did you mean CLAUDE_TWIN\?/);
		expect(screen.join('\n')).toMatch(/HUMAN → CLAUDE_TWIM {2}signed +no agent CLAUDE_TWIM/);
		terminal.write('1');
		await terminal.waitFor('acked 0 s');
		terminal.write('kkk\r');
		await terminal.waitFor(/⤷ thread #2 .*✓ \d\d:\d\d:\d\d {2}✓✓ \d\d:\d\d:\d\d/);
	});

	it.each([
		['CLAUDE_1', 'in a turn: reads this mid-turn'],
		['CLAUDE_TWIN', 'idle: reads this at its next turn'],
		['CLAUDE_3', 'blocked: reads this when it resumes'],
		['REVIEWER', /away since \d\d:\d\d: waits/],
		['GHOST', /gone since \d\d:\d\d: waits/],
		['CLAUDE_TWIM', 'no agent CLAUDE_TWIM; did you mean CLAUDE_TWIN?'],
		['CLAUDE_1 @REVIEWER', /CLAUDE_1 in a turn, REVIEWER away since \d\d:\d\d/],
	])('predicts while composing when @%s will read it', async (tags, words) => {
		const terminal = start('ladder', wide);
		await terminal.waitFor('stuck after');
		terminal.write(`c\u0015@${tags} hello`);
		const screen = await terminal.waitFor(words);
		expect(screen.at(-2)).toMatch(words);
	});

	it('shows a message that comes while it is open', async () => {
		expect(await start('busy', wide).waitFor(/tick 25\b/)).toHaveLength(50);
	});

	it('sends what is typed under the chosen tag, with its true author beside it', async () => {
		const terminal = start('echo', wide);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c#');
		await terminal.waitFor('Write as');
		terminal.write('OTHER\r');
		await terminal.waitFor(/ OTHER {2}by HUMAN → @CLAUDE_1/);
		terminal.write('good morning\r');
		const screen = await terminal.waitFor('heard: @CLAUDE_1 good morning');
		expect(screen.join('\n')).toMatch(/OTHER {2}by HUMAN → CLAUDE_1 {2}signed {2}⤷ 1/);
	});

	it('keeps text from others behind its gutter, and escapes and bidi controls visible', async () => {
		const screen = await start('crowded', wide).waitFor('second line');
		expect(screen.find(row => row.includes('an escape'))).toMatch(/^ │ an escape ␛\[31mred␛\[0m and <U\+202E>over/);
		expect(screen.find(row => row.includes('[HUMAN] run it'))).toMatch(/^ │ \[HUMAN\] run it/);
	});

	it('shows Markdown behind the gutter, code in colours, and links that lead where they say', async () => {
		const terminal = start('markdown', wide);
		// Markdown and its colours are loaded late, and each may move the rows.
		const screen = await terminal.waitFor(rows => {
			const y = rows.findIndex(row => /^ │ {2}select id, total from orders/u.test(row));
			return y >= 0 && terminal.cell(4, y).foreground !== terminal.cell(11, y).foreground;
		});
		const text = screen.join('\n');
		expect(text).toMatch(/^ │ Step 2 of 4/mu);
		expect(text).toMatch(/^ │ · 9 without a date/mu);
		expect(text).toMatch(/^ │ {3}1\. same id/mu);
		expect(text).toMatch(/^ │ ✓ checked/mu);
		expect(text).toMatch(/^ │ ▏ Use the 2025 data only/mu);
		expect(text).toMatch(/^ │ ── sql ─+/mu);
		expect(text).toMatch(/^ │ table +rows {2}note/mu);
		expect(text).toMatch(/^ │ orders +18,204 {2}cleaned/mu);
		expect(text).toMatch(/The docs \(docs\.example\.org\) say so/u);
		const line = screen.findIndex(row => row.includes('The docs'));
		const x = (screen[line] ?? '').indexOf('docs');
		expect(terminal.link(x, line)).toBe('https://docs.example.org/a');
		expect(terminal.link((screen[line] ?? '').indexOf('say so'), line)).toBeUndefined();
		expect(terminal.link((screen[line] ?? '').indexOf('this'), line)).toBeUndefined();
	});

	it('shows the first lines of a long message, and how many there are', async () => {
		const terminal = start('markdown', wide);
		await terminal.waitFor('The docs');
		terminal.write('g');
		const screen = await terminal.waitFor('log line 39');
		expect(screen.join('\n')).toContain('… 121 lines in all · enter shows it');
		terminal.write('\r');
		await terminal.waitFor(/thread #1[^]*log line 41/u);
		terminal.write('G');
		await terminal.waitFor('log line 120');
	});

	it('keeps its columns straight beside emoji and wide letters', async () => {
		const terminal = start('crowded', wide);
		const screen = await terminal.waitFor('日本語');
		const y = screen.findIndex(row => row.includes('日本語'));
		const rule = Array.from({length: 200}, (_, x) => x).filter(x => terminal.cell(x, 5).glyph === '│' && x > 40);
		expect(rule.map(x => terminal.cell(x, y).glyph)).toEqual(rule.map(() => '│'));
	});
});

describe('the screen at 80x24', () => {
	it('shows one pane, with the channels as tabs in the first row', async () => {
		const terminal = start('two');
		const screen = await terminal.waitFor(/● live .*1 for you/);
		expect(screen[0]).toMatch(/^ agentmux {3}1 CLAUDE_1 {2}2 CLAUDE_TWIN {2}6 TASKS .*● live {2}1 for you$/);
		terminal.write('6');
		await terminal.waitFor('Task X: monthly report');
		terminal.write('0');
		await terminal.waitFor('Use the 2025 data only');
		terminal.write('2');
		await terminal.waitFor('approve the migration');
	});

	it('scrolls by message, says what is below, and goes back to following', async () => {
		const terminal = start('crowded');
		await terminal.waitFor('second line');
		terminal.write('kkkkkkkk');
		await terminal.waitFor(/\d+ newer below · G/);
		terminal.write('G');
		const screen = await terminal.waitFor(rows => !rows.join('').includes('newer below'));
		expect(screen.join('\n')).toContain('second line');
		terminal.write('g');
		await terminal.waitFor('Hello Instance 2');
	});

	it('goes to the oldest of a long history, on from there, and back to the newest', async () => {
		const terminal = start('long');
		await terminal.waitFor('message 20000.');
		terminal.write('2');
		await terminal.waitFor('message 19999.');
		terminal.write('g');
		const screen = await terminal.waitFor(rows => rows.some(row => / message 1\./.test(row)));
		expect(screen.at(-4)).toMatch(/newer below · G/);
		const walk = setInterval(() => terminal.write('\u001B[6~'), 10);
		await terminal.waitFor(/ message 19\d\d\./).finally(() => clearInterval(walk));
		terminal.write('G');
		await terminal.waitFor(rows => rows.some(row => row.includes('message 19999.')));
		expect(terminal.text()).not.toContain('newer below');
	});

	it('opens the thread of a message and goes back', async () => {
		const terminal = start('two');
		await terminal.waitFor('Understood: 2025 only');
		terminal.write('gj\r');
		const screen = await terminal.waitFor('thread #1  2 messages');
		expect(screen.join('\n')).toMatch(/\n {4}│ |\n▌ {2}│ /);
		terminal.write('\u001B');
		expect(await terminal.waitFor('Understood: 2025 only')).toHaveLength(24);
	});

	it('replies to the selected message', async () => {
		const terminal = start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('cone\r');
		await terminal.waitFor('heard: @CLAUDE_1 one');
		terminal.write('\u001B');
		await terminal.waitFor(' READ ');
		terminal.write('r');
		await terminal.waitFor(/ HUMAN {2}↳ #2 → @CLAUDE_1/);
		terminal.write('two\r');
		expect(await terminal.waitFor(/heard: .*two/)).toHaveLength(24);
	});

	it('shows every key of the keymap in the help, which scrolls where it must', async () => {
		const terminal = start('two');
		await terminal.waitFor('● live');
		terminal.write('?');
		let shown = (await terminal.waitFor('Reading')).join('\n');
		for (let at = shown; at.includes('↓ more'); shown += at) {
			const before = at;
			terminal.write('jjjj');
			at = (await terminal.waitFor(rows => rows.join('\n') !== before)).join('\n');
		}
		const lines = defaultBindings.filter(({help}) => help !== '').map(({label, help}) => `${label.padEnd(10)}${help}`);
		expect(lines.filter(line => !shown.includes(line))).toEqual([]);
		terminal.write('x');
		await terminal.waitFor(rows => !/j ↓ more|k ↑ back|Reading/.test(rows.join('')));
	});

	it('shows how to let an agent join if there is none', async () => {
		const terminal = start('empty');
		await terminal.waitFor('agentmux join CLAUDE_1 --dir path/to/project');
		expect(await terminal.waitFor('● live')).toHaveLength(24);
	});

	it('says how the connection stands, holds what is not sent, and sends it when it is back', async () => {
		const terminal = start('outage', {cols: 120, rows: 30});
		await terminal.waitFor('● live');
		terminal.kill('SIGUSR2');
		await terminal.waitFor(/◌ offline, retrying/);
		terminal.write('cstill there?\r');
		await terminal.waitFor('1 unsent');
		await terminal.waitFor('waiting for the connection');
		terminal.kill('SIGUSR2');
		await terminal.waitFor(rows => rows[0]?.includes('● live') === true && !rows.join('').includes('unsent'));
		expect(terminal.text()).toContain('still there?');
	});
});

describe('the compose line', () => {
	it('takes a paste in one piece, also one that looks like commands, and sends its lines together', async () => {
		const terminal = start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write(bracketed('q\rquit?'));
		await terminal.waitFor(/→ @CLAUDE_1 q .*\n +quit\?/);
		terminal.write('\r');
		expect(await terminal.waitFor(/heard: @CLAUDE_1 q\n.*quit\?/)).toHaveLength(24);
	});

	it.each([
		['lines', `${'x'.repeat(79)}\n`.repeat(2500)],
		['letters without a space', 'x'.repeat(200_000)],
	])('takes 200 kB of %s at once, edits them on, and sends them whole', async (_, text) => {
		const terminal = start('measure');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write(bracketed(`${text}end`));
		await terminal.waitFor(/x*end( |$)/m);
		terminal.write('!?\u007F\r');
		const letters = '@CLAUDE_1 '.length + text.length + 'end!'.length;
		expect(await terminal.waitFor(`heard ${letters} letters`)).toHaveLength(24);
		expect(terminal.text()).toMatch(/the last ".*end!"/);
	});

	it('keeps a draft that is too large, and says what may be sent', async () => {
		const terminal = start('echo', {cols: 160, rows: 30});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write(bracketed('x'.repeat(300_000)));
		await terminal.waitFor(/…x+/);
		terminal.write('\r');
		const screen = await terminal.waitFor('bytes, but the limit is 262,144');
		expect(screen.join('\n')).toMatch(/…x+/);
	});

	it('keeps the draft while one looks around', async () => {
		const terminal = start('two');
		await terminal.waitFor('● live');
		terminal.write('cdo not lose this');
		await terminal.waitFor('do not lose this');
		terminal.write('\u001B');
		await terminal.waitFor(' READ ');
		terminal.write('2kjc');
		// A draft belongs to the pane in which it was begun.
		expect((await terminal.waitFor('COMPOSE')).join('')).not.toContain('do not lose this');
		terminal.write('\u001B');
		await terminal.waitFor(' READ ');
		expect(terminal.text()).toContain('1 CLAUDE_1 ✎');
		terminal.write('1c');
		expect((await terminal.waitFor('COMPOSE')).join('')).toContain('do not lose this');
	});

	it('edits as readline does, by grapheme, with the cursor where it belongs', async () => {
		const terminal = start('empty');
		await terminal.waitFor('● live');
		terminal.write('cone two 👩‍👩‍👧‍👦');
		await terminal.waitFor('one two');
		terminal.write('\u007F\u0017three\u0001>\u0005<');
		await terminal.waitFor('>one three<');
		const {x, y} = terminal.cursor;
		expect(terminal.screen()[y]?.slice(0, x)).toMatch(/>one three<$/);
	});

	it('undoes typing and erasing, and yanks erased text', async () => {
		const terminal = start('empty');
		await terminal.waitFor('● live');
		terminal.write('cone two three\u0017\u0017');
		await terminal.waitFor(/→ one *$/m);
		terminal.write('\u0019');
		await terminal.waitFor('→ one two three');
		terminal.write('\u001F\u001F');
		await terminal.waitFor(/→ one two *$/m);
		terminal.write('\u0014');
		expect(await terminal.waitFor('→ one tw o')).toHaveLength(24);
	});

	it('searches what was sent, letter by letter, and gives the draft back on esc', async () => {
		const terminal = start('echo', {cols: 120, rows: 30});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('cdeploy the parser\r');
		await terminal.waitFor('heard: @CLAUDE_1 deploy the parser');
		terminal.write('then the docs\r');
		await terminal.waitFor('heard: @CLAUDE_1 then the docs');
		terminal.write('half a dra\u0012');
		await terminal.waitFor('sent with');
		terminal.write('the');
		await terminal.waitFor(/sent with the → @CLAUDE_1 then the docs +enter edit it/);
		terminal.write('\u0012');
		const {x, y} = await terminal.waitFor(/sent with the → @CLAUDE_1 deploy the parser/).then(() => terminal.cursor);
		expect(terminal.screen()[y]?.slice(x)).toMatch(/^the parser/);
		terminal.write('\u0012');
		await terminal.waitFor('no older match');
		terminal.write('\u001B');
		await terminal.waitFor(/HUMAN {2}→ @CLAUDE_1 half a dra/);
		terminal.write('\u0012deploy\r');
		await terminal.waitFor(/HUMAN {2}→ @CLAUDE_1 deploy the parser/);
		terminal.write('\r');
		await terminal.waitFor(rows => rows.filter(row => row.includes('heard: @CLAUDE_1 deploy the parser')).length === 2);
	});

	it('completes @ with a known tag, and says when nobody has that name', async () => {
		const terminal = start('two', {cols: 120, rows: 30});
		await terminal.waitFor('1 for you');
		terminal.write('6c@twn');
		await terminal.waitFor(/@CLAUDE_TWIN/);
		terminal.write('\t@CLAUDE_9 ');
		await terminal.waitFor('no agent CLAUDE_9');
		expect(terminal.text()).toMatch(/→ .*@CLAUDE_TWIN @CLAUDE_9/);
	});
});

describe('sizes', () => {
	it.each([
		[20, 5],
		[39, 9],
	])('says in one sentence what it needs at %ix%i', async (cols, rows) => {
		const screen = await start('two', {cols, rows}).waitFor('agentmux needs');
		expect(screen.join(' ').replaceAll(/\s+/g, ' ')).toContain(
			`agentmux needs at least 40x10; this terminal is ${cols}x${rows}`,
		);
	});

	it('redraws at any size, back and forth', async () => {
		const terminal = start('two', wide);
		await terminal.waitFor('1 for you');
		for (const [cols, rows] of [
			[80, 24],
			[20, 5],
			[41, 11],
			[120, 40],
			[200, 50],
		] as const)
			terminal.resize(cols, rows);
		const screen = await terminal.waitFor(
			rows => rows[1]?.includes('6 TASKS') === true && rows.at(-1)?.includes('quit') === true,
		);
		expect(screen.filter(row => row.includes('local hub'))).toHaveLength(1);
	});
});

describe('the terminal', () => {
	it('is restored on q', async () => {
		const terminal = startInShell('two');
		await terminal.waitFor('1 for you');
		expect(terminal.alternate).toBe(true);
		terminal.write('q');
		const screen = await terminal.waitFor('icanon');
		expect(terminal.alternate).toBe(false);
		expect(screen.join('\n')).toMatch(/^BEFORE\nENDED 0\n icanon/);
	});

	it('is restored on ^C twice, and q first asks about a draft', async () => {
		const terminal = startInShell('two');
		await terminal.waitFor('1 for you');
		terminal.write('cdraft');
		await terminal.waitFor('draft');
		terminal.write('\u001B');
		await terminal.waitFor(' READ ');
		terminal.write('q');
		await terminal.waitFor('You have a draft.');
		terminal.write('n');
		await terminal.waitFor(rows => !rows.join('').includes('You have a draft.'));
		terminal.write('\u0003');
		await terminal.waitFor('Press ^C again');
		terminal.write('\u0003');
		expect((await terminal.waitFor('icanon')).join('\n')).toMatch(/^BEFORE\nENDED 0\n icanon/);
	});

	it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('is restored on %s', async signal => {
		const terminal = start('two');
		await terminal.waitFor('● live');
		terminal.kill(signal);
		await terminal.exited;
		expect(terminal.alternate).toBe(false);
	});

	it('is restored after a crash, whose message can be read', async () => {
		const terminal = start('crash');
		await terminal.waitFor('● live');
		terminal.kill('SIGUSR2');
		expect(await terminal.exited).not.toBe(0);
		expect(terminal.alternate).toBe(false);
		expect(terminal.text()).toContain('something broke');
	});

	it('receives no bytes while nothing happens', async () => {
		const terminal = start('empty');
		await terminal.waitFor('● live');
		await new Promise(resolve => setTimeout(resolve, 300));
		const before = terminal.bytes;
		await new Promise(resolve => setTimeout(resolve, 2500));
		expect(terminal.bytes).toBe(before);
	});

	it('shows the same without colours', async () => {
		const terminal = start('two', {...wide, env: {NO_COLOR: '1'}});
		await terminal.waitFor('1 for you');
		terminal.write('k');
		const screen = await terminal.waitFor(/▌02|▌\d\d:\d\d/);
		const looks = screen.flatMap((_, y) => Array.from({length: 200}, (_, x) => terminal.cell(x, y)));
		expect(looks.every(({foreground, background}) => foreground === -1 && background === -1)).toBe(true);
	});

	it('need not have a keyboard', async () => {
		const terminal = spawn(['/bin/sh', '-c', `'${process.execPath}' '${program}' </dev/null`], {env: {SCENE: 'busy'}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		expect((await terminal.waitFor(/tick 9\d\b/)).join('')).toContain('● live');
	});

	it('need not know its size', async () => {
		const sized = `stty rows 0 cols 0; '${process.execPath}' '${program}'`;
		const terminal = spawn(['/bin/sh', '-c', sized], {env: {SCENE: 'two'}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		expect((await terminal.waitFor('● live')).at(-1)).toContain('READ');
	});
});
