import {cpSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {ensureHub} from '../../source/hub/process/ensure.ts';
import {whileStopped} from '../helpers/hub-stopped.ts';
import {placesIn} from '../helpers/hub.ts';
import {startAgent, type AgentClient} from '../helpers/mcp.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let home: Home;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
	home = await Home.make();
	ends.push(() => home.dispose());
});
afterAll(async () => {
	for (const end of ends.reverse()) await end();
});

/** What a program that goes on has said. */
function follow(args: readonly string[]): {stdout: string; stderr: string; until(text: string): Promise<void>} {
	const child = home.start(args);
	ends.push(() => child.kill());
	const looks = new Set<() => void>();
	const said = {
		stdout: '',
		stderr: '',
		until: (text: string) =>
			new Promise<void>(resolve => {
				const look = (): void => {
					if (!said.stdout.includes(text) && !said.stderr.includes(text)) return;
					looks.delete(look);
					resolve();
				};
				looks.add(look);
				look();
			}),
	};
	for (const stream of ['stdout', 'stderr'] as const) {
		child[stream].setEncoding('utf8').on('data', (chunk: string) => {
			said[stream] += chunk;
			for (const look of looks) look();
		});
	}
	return said;
}

const lines = (word: string, count: number): string =>
	`insert into messages (content) select '[W] @A ${word} ' || n from generate_series(1, ${count}) as n`;

test('tail, the screen and the MCP server go on with an older copy that was put back by hand', async () => {
	await home.output(['sql', lines('common', 3)]);
	const paths = placesIn(home.path);
	const pg = join(paths.data, 'pg');
	const copy = join(home.path, 'copy');
	await whileStopped(paths, () => cpSync(pg, copy, {recursive: true}));
	await home.output(['hub', 'start']);

	const agent: AgentClient = await startAgent(home.path, 'A');
	ends.push(() => agent.close());
	const tail = follow(['tail', '--follow']);
	const terminal: TestTerminal = spawn([process.execPath, cli], {cols: 200, rows: 50, env: {AGENTMUX_HOME: home.path}});
	ends.push(() => terminal.kill());
	await Promise.all([tail.until('common 3'), terminal.waitFor('common 3', 60_000)]);
	terminal.write('c@A a draft that stays');
	await terminal.waitFor('a draft that stays');
	await home.output(['sql', lines('lost', 4)]);
	await Promise.all([tail.until('lost 4'), terminal.waitFor('lost 4')]);
	expect((await agent.call('check_messages')).text).toContain('lost 4');

	await whileStopped(paths, () => {
		rmSync(pg, {recursive: true});
		renameSync(copy, pg);
	});
	const waiting = agent.call('wait_for_message', {timeout_seconds: 60}, {timeout: 90_000});
	await home.output(['hub', 'start']);
	await home.output(['sql', lines('new', 2)]);

	const sentence = 'History was replaced: ';
	await Promise.all([tail.until('new 2'), tail.until(sentence), terminal.waitFor('new 2', 60_000)]);
	await tail.until('Back online.');
	expect(tail.stderr.match(/History was replaced: .*/g)).toHaveLength(1);
	expect(tail.stderr).not.toContain('nothing was missed');
	const told = [...tail.stdout.matchAll(/(common|lost|new) \d/g)].map(([text]) => text);
	expect(told).toEqual([
		...[1, 2, 3].map(n => `common ${n}`),
		...[1, 2, 3, 4].map(n => `lost ${n}`),
		...[1, 2].map(n => `new ${n}`),
	]);
	const screen = await terminal.waitFor(
		rows => !/lost \d/.test(rows.join('\n')) && rows.join('\n').includes('common 3'),
	);
	expect(screen.join('\n')).toContain('a draft that stays');
	expect(screen.join('\n')).toContain(sentence);
	const given = [(await waiting).text, (await agent.call('check_messages')).text].join('\n');
	expect(given).toContain('new 1');
	expect(given).toContain('new 2');

	terminal.write('\r');
	await tail.until('a draft that stays');
	const [row] = await home.json<{n: number}[]>([
		'sql',
		"select count(*)::int as n from messages where body like '%a draft that stays'",
	]);
	expect(row?.n).toBe(1);

	// The hub had sealed what is gone: that is another history, and no tampering.
	const verified = await home.run(['verify']);
	expect(verified.stderr).toContain('This is not the history that this machine saw last');
	expect(verified.code).toBe(0);
}, 180_000);

test('tail says after a restore that history was replaced, and prints what is new, not everything again', async () => {
	const paths = placesIn(home.path);
	const backup = join(home.path, 'backup.tar.gz');
	await home.output(['sql', lines('kept', 2)]);
	await home.output(['hub', 'backup', backup]);
	const tail = follow(['tail', '--follow', '--lines', '2']);
	await tail.until('kept 2');
	await home.output(['sql', lines('undone', 2)]);
	await tail.until('undone 2');
	await home.output(['hub', 'restore', backup]);
	await ensureHub(paths);
	await home.output(['sql', lines('afterwards', 2)]);
	await tail.until('afterwards 2');
	await tail.until('History was replaced: ');
	const told = [...tail.stdout.matchAll(/(kept|undone|afterwards) \d/g)].map(([text]) => text);
	expect(told).toEqual(['kept', 'undone', 'afterwards'].flatMap(word => [`${word} 1`, `${word} 2`]));
	expect(tail.stdout).not.toContain('common');
}, 120_000);
