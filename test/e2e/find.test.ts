import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {cli, Home} from '../helpers/program.ts';
import {spawn as openTerminal, type TestTerminal} from '../helpers/terminal.ts';

describe('finding on the hub', () => {
	let home: Home;
	let terminal: TestTerminal;

	beforeAll(async () => {
		home = await Home.make();
		await home.output([
			'sql',
			`insert into messages (content) select format('[CLAUDE_%s] message %s of source/gateway/rest.ts', i % 2 + 1, i)
				|| case when i = 40 then ' has the needle' else '' end from generate_series(1, 3000) as i`,
		]);
		terminal = openTerminal([process.execPath, cli], {cols: 120, rows: 30, env: {AGENTMUX_HOME: home.path}});
		await terminal.waitFor('message 3000 ', 60_000);
	});

	afterAll(async () => {
		terminal.kill();
		await terminal.exited;
		await home.dispose();
	});

	it('goes to a message far before the loaded ones, and shows those around it', async () => {
		terminal.write('/needl gateway');
		await terminal.waitFor('1 of 1');
		terminal.write('\r');
		const screen = (await terminal.waitFor('newer below · G')).join('\n');
		expect(screen).toContain('message 40 of source/gateway/rest.ts has the needle');
		expect(screen).toMatch(/message (38|39) /);
		expect(screen).toMatch(/message (41|42) /);
		terminal.write('\u001B');
		await terminal.waitFor(/^ READ/m);
		terminal.write('G');
		await terminal.waitFor(/message (3000|2999) /);
	});

	it('lets the hub filter older messages while scrolling, and explains its commands', async () => {
		terminal.write('f4 -from:CLAUDE_9\r');
		await terminal.waitFor(/\d+\+? shown, \d+\+? hidden/);
		terminal.write('g');
		const screen = (await terminal.waitFor(/message 4 /)).join('\n');
		expect(screen).not.toMatch(/message 3 /);
		terminal.write(':agentmux search');
		await terminal.waitFor(/agentmux search .*in a shell/);
		terminal.write('\r');
		expect((await terminal.waitFor('agentmux search [-n N]')).join('\n')).toContain('from:TAG');
	});
});
