import {defineConfig} from 'vitest/config';
export default defineConfig({
	root: '/work/wt/hub',
	test: {include: ['test/**/*.test.{ts,tsx}'], testTimeout: 60000, hookTimeout: 120000, maxWorkers: 2},
});
