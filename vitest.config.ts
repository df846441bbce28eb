import {defineConfig} from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.{ts,tsx}'],
		globalSetup: 'test/helpers/build.ts',
		setupFiles: ['test/helpers/seed.ts'],
		// Databases and terminals are started for real; two noisy cores must not fail them.
		testTimeout: 60_000,
		hookTimeout: 120_000,
		maxWorkers: 2,
	},
});
