import {spawnSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import path from 'node:path';
import {spawn} from '@lydell/node-pty';
import {expect, it} from 'vitest';

const module = path.resolve(import.meta.dirname, '../../source/commands/cli/is-terminal.ts');
const program = `import(${JSON.stringify(module)}).then(({isTerminal}) => console.log([0, 2].map(isTerminal).join()))`;

it('a pipe, a file and the null device are no terminals', () => {
	const file = openSync(module, 'r');
	try {
		for (const stdin of ['pipe', 'ignore', file] as const) {
			const {stdout} = spawnSync(process.execPath, ['-e', program], {stdio: [stdin, 'pipe', 'pipe'], encoding: 'utf8'});
			expect(stdout.trim()).toBe('false,false');
		}
	} finally {
		closeSync(file);
	}
});

it('a terminal is one', async () => {
	const terminal = spawn(process.execPath, ['-e', program], {});
	let output = '';
	terminal.onData(data => (output += data));
	await new Promise<void>(resolve => {
		terminal.onExit(() => resolve());
	});
	expect(output).toContain('true,true');
});
