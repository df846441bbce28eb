// `npm run pictures`: the built program in a terminal of its own, over a hub with one conversation in it, and what stands on
// its screen as an SVG for each view. Nothing of this machine gets into them: the home is a temporary one, and the clock is
// ours (clock.ts).
import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {signaturesFor} from '../../source/commands/connect/signatures.ts';
import {loadConfig} from '../../source/config.ts';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {startTestHub, type TestHub} from '../../test/helpers/hub.ts';
import {cli} from '../../test/helpers/program.ts';
import {spawn, type TestTerminal} from '../../test/helpers/terminal.ts';
import {converse} from './conversation.ts';
import {svgOf, type Ground} from './svg.ts';
import {views, type View} from './views.ts';

const day = '2026-11-25';
const grounds: Record<NonNullable<View['theme']> | 'dark', Ground> = {
	dark: {ink: '#d4d4d4', paper: '#121212'},
	light: {ink: '#1f2328', paper: '#ffffff'},
	'high-contrast': {ink: '#ffffff', paper: '#000000'},
};

const home = mkdtempSync(path.join(tmpdir(), 'agentmux-pictures-'));
const clock = path.join(home, 'clock');
const at = (time: string): void => writeFileSync(clock, String(Date.parse(`${day}T${time}Z`)));
at('12:00:00');
const clockwork = {
	AGENTMUX_CLOCK: clock,
	NODE_OPTIONS: `--import=${new URL('clock.ts', import.meta.url).href}`,
	TZ: 'UTC',
};

const config = await loadConfig({env: {AGENTMUX_HOME: home}});
const hub = await startTestHub({home, cli, env: clockwork});
try {
	const padded = (time: string) => (time.length === 5 ? `${time}:00` : time);
	await converse({
		at: time => at(padded(time)),
		open: (tag, kind) =>
			connectMailbox({
				url: hub.url,
				key: hub.anonKey,
				token: hub.tokenFor(tag, kind),
				// Of the home whose screen is shown: its human has signed what it shows.
				signatures: signaturesFor(config, kind ?? 'agent', {}),
			}),
		sql: query => runSql(hub, query),
	});
	const wanted = new Set(process.argv.slice(2));
	for (const view of views.filter(({name}) => wanted.size === 0 || wanted.has(name))) await take(view);
} finally {
	await hub.stop();
}

async function runSql({url, serviceRoleKey}: TestHub, query: string): Promise<void> {
	const answer = await fetch(`${url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {Authorization: `Bearer ${serviceRoleKey}`, 'Content-Type': 'application/json'},
		body: JSON.stringify({query}),
	});
	if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function take({name, title, columns, rows, theme, steps}: View): Promise<void> {
	writeFileSync(path.join(home, 'config.toml'), `[theme]\nname = "${theme ?? 'dark'}"\n`);
	// Each begins with the screen as it is at first.
	const state = path.join(home, 'state');
	const kept = readdirSync(state).filter(name => /^(?:screen-|compose$)/.test(name));
	for (const name of kept) rmSync(path.join(state, name), {recursive: true});
	const env = {...clockwork, AGENTMUX_HOME: home};
	const terminal = spawn([process.execPath, cli], {cols: columns, rows, env});
	try {
		await terminal.waitFor('● live');
		await terminal.waitFor('walk-in');
		for (const [keys, shown] of steps) {
			terminal.write(keys);
			await terminal.waitFor(shown);
		}
		await settled(terminal);
		const cells = Array.from({length: rows}, (_, y) => Array.from({length: columns}, (_, x) => terminal.drawn(x, y)));
		const file = new URL(`${name}.svg`, import.meta.url);
		writeFileSync(file, svgOf(cells, grounds[theme ?? 'dark'], title));
		console.log(`${path.basename(file.pathname)}  ${title}`);
	} finally {
		terminal.kill('SIGKILL');
		await terminal.exited;
	}
}

/** Resolves when nothing has been written for a while: the clock stands still, so nothing goes on. */
async function settled(terminal: TestTerminal): Promise<void> {
	for (let before = -1; before !== terminal.bytes;) {
		before = terminal.bytes;
		await new Promise(resolve => setTimeout(resolve, 400));
	}
}
