import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {defineConfig} from 'vitest/config';
import {LongestFirst} from './test/helpers/longest-first.ts';
import {testFiles} from './test/helpers/needs-build.ts';

/** The same questions again, to a hub on a PostgreSQL server. */
const onBothEngines = [
	'test/contract/hub.test.ts',
	'test/gateway/order.test.ts',
	'test/hub/{cancel,long-statements,mcp,server,tokens,watches}.test.ts',
	'test/hub/realtime/*.test.ts',
];

const {unit, built} = testFiles();
const globalSetup = 'test/helpers/build.ts';

// Also for the programs that tests start. Those from source/ would have their types stripped at every start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

export default defineConfig({
	resolve: {
		alias: [{find: /^fast-check$/, replacement: fileURLToPath(new URL('test/helpers/fast-check.ts', import.meta.url))}],
	},
	test: {
		setupFiles: ['test/helpers/no-client.ts'],
		// Databases and terminals are started for real; two noisy cores must not fail them.
		testTimeout: 180_000,
		hookTimeout: 120_000,
		// Half of a test's time is waiting: for a disk, a program's start, a lease.
		maxWorkers: Math.max(4, availableParallelism()),
		// As the hub's own thread: V8 would compile all of PostgreSQL a second time, optimised, for a few seconds of use.
		execArgv: ['--liftoff-only'],
		sequence: {sequencer: LongestFirst},
		projects: [
			{extends: true, test: {name: 'unit', include: unit}},
			{extends: true, test: {name: 'built', include: built, globalSetup}},
			{
				extends: true,
				test: {name: 'PostgreSQL', include: onBothEngines, globalSetup, env: {AGENTMUX_TEST_ENGINE: 'PostgreSQL'}},
			},
		],
	},
});
