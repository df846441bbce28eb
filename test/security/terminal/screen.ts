import {setTimeout as sleep} from 'node:timers/promises';
import {hostile, unprintableIn} from '../../fixtures/hostile.ts';
import {cli} from '../../helpers/program.ts';
import {spawn} from '../../helpers/terminal.ts';
import type {Tally} from '../attack.ts';
import type {Target} from '../target.ts';

/** Keys that show what was planted: every message, threads, tasks, agents, the timeline, what is found. */
const walk = [
	...Array.from({length: 12}, () => '\u001B[5~'),
	...Array.from({length: 20}, () => 'k'),
	'\r',
	'jjjj',
	'\u001B',
	'\t',
	'jjj',
	'\r',
	'\u001B',
	'\t',
	'jj',
	'\r',
	'\u001B',
	'/hostile\r',
	'\u001B',
	'?',
	'\u001B',
];

/** The screen of a human: nothing hostile goes to the terminal, and the terminal does nothing. */
export async function screen(target: Target, tally: Tally, long: boolean): Promise<void> {
	for (const [cols, rows] of long
		? ([
				[200, 50],
				[120, 40],
				[80, 24],
			] as const)
		: ([[160, 50]] as const)) {
		let written = '';
		const terminal = spawn([process.execPath, cli], {
			cols,
			rows,
			env: {AGENTMUX_HOME: target.home.path},
			onOutput: output => (written += output),
		});
		const what = `the screen of ${cols} by ${rows}`;
		try {
			await terminal.waitFor('● live', 30_000);
			// The channel of all.
			terminal.write('9');
			await terminal.waitFor('hostile', 30_000);
			for (const keys of walk) {
				terminal.write(keys);
				await sleep(120);
				// The emulator takes an emoji apart into cells; whether it was whole, what was written shows below.
				const found = unprintableIn(terminal.text()).filter(each => each !== 'U+200D' && each !== 'U+FE0F');
				if (found.length > 0) tally.breach(`${what} shows ${found.join(' ')} after ${JSON.stringify(keys)}`);
			}
			const {bells, clipboard, notifications} = terminal;
			tally.expectHarmless(clipboard === null, `${what}: something was copied`, clipboard);
			tally.expectHarmless(
				notifications.every(text => unprintableIn(text).length === 0),
				`${what}: a notification`,
				notifications,
			);
			tally.expectHarmless(bells < 3, `${what}: it rang ${bells} times`);
			const {foreign, titles} = split(written);
			for (const title of titles) tally.expectHarmless(unprintableIn(title).length === 0, `${what}: a title`, title);
			if (foreign.length > 0) tally.breach(`${what} is sent ${foreign.join(' ')}`);
			else for (const _ of hostile) tally.neutralise();
			const shown = written.includes('<U+202E>') && written.includes('␛');
			if (!shown) tally.breach(`${what}: the control failed: nothing hostile was shown as text`);
		} finally {
			terminal.kill('SIGKILL');
			await terminal.exited;
		}
	}
}

/** The program's own sequences taken out: the rest is text, and none of it may be what a terminal acts on. */
function split(written: string): {foreign: string[]; titles: string[]} {
	const titles: string[] = [];
	const text = written
		.replaceAll(/\u001B\]([^\u0007\u001B]*)(?:\u0007|\u001B\\)/g, (_, title: string) => {
			titles.push(title);
			return '';
		})
		.replaceAll(/\u001B\[[0-?]*[ -/]*[@-~]/g, '')
		.replaceAll(/\u001B[=>78]/g, '')
		.replaceAll(/[\r\n\u0007\b]/g, '');
	return {foreign: unprintableIn(text), titles};
}
