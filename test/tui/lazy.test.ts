import {expect, it} from 'vitest';
import {loadedCount, hasLoadFailure, lazy, onArrival} from '../../source/tui/screen/lazy.ts';

it('stays null if it cannot be loaded, and reports that instead of ending the program', async () => {
	const before = loadedCount();
	const heard = new Promise<void>(resolve => {
		onArrival(resolve);
	});
	const part = lazy(() => Promise.reject(new Error("Cannot find module 'highlight-1.js'")));
	expect(part()).toBeNull();
	await heard;
	expect(part()).toBeNull();
	expect(hasLoadFailure()).toBe(true);
	expect(loadedCount()).toBe(before);
});
