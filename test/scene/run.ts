// `npm run scene -- NAME [COLUMNSxROWS] [KEYS]`: prints what the screen shows of a scene of test/fixtures, after some keys.
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {scenes} from '../fixtures/scenes.ts';
import {bundle} from '../helpers/bundle.ts';
import {spawn} from '../helpers/terminal.ts';

/** Milliseconds without a new byte after which the screen is taken for finished. */
const quiet = 300;

const [name = '', size = '100x30', keys = ''] = process.argv.slice(2);
const [, columns, rows] = /^(\d+)x(\d+)$/.exec(size) ?? [];
if (!(name in scenes) || columns === undefined || rows === undefined) {
	console.error(
		`Usage: npm run scene -- NAME [COLUMNSxROWS] [KEYS]\nKEYS as a JSON string without its quotes: \`gj\\r\`.\nScenes: ${Object.keys(scenes).join(', ')}`,
	);
	process.exit(2);
}

const home = await mkdtemp(path.join(tmpdir(), 'agentmux-scene-'));
const program = await bundle('tui.ts');
const terminal = spawn([process.execPath, program], {
	cols: Number(columns),
	rows: Number(rows),
	env: {SCENE: name, AGENTMUX_HOME: home},
});

/** Resolves once the program has written nothing for a while. */
async function settled(): Promise<void> {
	for (let before = -1; before !== terminal.bytes;) {
		before = terminal.bytes;
		await new Promise(resolve => {
			setTimeout(resolve, quiet);
		});
	}
}

try {
	await terminal.waitFor(/\S/, 30_000);
	await settled();
	if (keys !== '') {
		terminal.write(JSON.parse(`"${keys}"`) as string);
		await settled();
	}
	console.log(terminal.screen().join('\n'));
} finally {
	terminal.kill('SIGKILL');
	await terminal.exited;
	await rm(home, {recursive: true});
	await rm(path.dirname(program), {recursive: true});
}
