import {defineConfig} from 'vitest/config';

/** The same questions again, to a hub on a PostgreSQL server. */
const onBothEngines = [
	'test/contract/hub.test.ts',
	'test/gateway/order.test.ts',
	'test/hub/{cancel,mcp,server,tokens}.test.ts',
	'test/hub/realtime/*.test.ts',
];

export default defineConfig({
	test: {
		setupFiles: ['test/helpers/no-client.ts', 'test/helpers/seed.ts'],
		// Databases and terminals are started for real; two noisy cores must not fail them.
		testTimeout: 60_000,
		hookTimeout: 120_000,
		maxWorkers: 2,
		projects: [
			{
				extends: true,
				test: {name: 'agentmux', include: ['test/**/*.test.{ts,tsx}'], globalSetup: 'test/helpers/build.ts'},
			},
			{extends: true, test: {name: 'PostgreSQL', include: onBothEngines, env: {AGENTMUX_TEST_ENGINE: 'PostgreSQL'}}},
		],
	},
});
