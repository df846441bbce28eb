import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {join} from 'node:path';
import {Home} from '../helpers/program.ts';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';
const run = promisify(execFile);

async function play(scenario: string): Promise<Record<string, unknown>> {
	const driver = fileURLToPath(new URL('../fixtures/plugin.ts', import.meta.url));
	const {stdout} = await run(`${harness}/sealed.sh`, [process.execPath, driver, harness, scenario], {
		maxBuffer: 1 << 28,
	});
	return JSON.parse(stdout) as Record<string, unknown>;
}

describe.runIf(harness !== '')('our plugin in the real Claude Code', () => {
	let home: Home;
	beforeAll(async () => {
		home = await Home.make();
	});
	afterAll(() => home.dispose());

	test('passes its own validation, strictly', async () => {
		await home.output(['plugin']);
		const plugin = join(home.path, 'data/plugin');
		for (const what of [plugin, join(plugin, '.claude-plugin/plugin.json')]) {
			const words = ['plugin', 'validate', '--strict', what];
			const {stdout} = await run(`${harness}/node_modules/.bin/claude`, words, {
				env: {...process.env, HOME: home.path},
			});
			expect(stdout).toContain('Validation passed');
		}
	}, 60_000);

	test('wakes it by its hooks, and lets it answer without a question', async () => {
		const {said, receipts} = await play('woken');
		expect(said).toEqual([{body: '@HUMAN I was woken.'}]);
		expect(receipts).toMatchObject([{reader: 'CLAUDE_1', attempts: 1}]);
	}, 180_000);

	test('wakes it by its monitor where nothing else does', async () => {
		const {receipts} = await play('monitor');
		expect(receipts).toMatchObject([{reader: 'CLAUDE_1', attempts: 1}]);
	}, 240_000);

	test('does nothing where nobody has joined', async () => {
		const {mentions, log} = await play('nobody');
		expect({mentions, log}).toEqual({mentions: [], log: ''});
	}, 180_000);
});
