import {expect, it, onTestFinished} from 'vitest';
import {bufferedStderr} from '../../source/tui/terminal/stderr.ts';

it('is held back while any screen holds it, and whole again in whatever order they let it go', () => {
	const write = Object.getOwnPropertyDescriptor(process.stderr, 'write');
	onTestFinished(() => {
		Reflect.deleteProperty(process.stderr, 'write');
		if (write !== undefined) Object.defineProperty(process.stderr, 'write', write);
	});
	for (const order of [
		[0, 1],
		[1, 0],
	]) {
		let seen = '';
		process.stderr.write = chunk => {
			seen += String(chunk);
			return true;
		};
		const screens = [bufferedStderr(), bufferedStderr()];
		for (const screen of screens) screen.hold();
		process.stderr.write('one\n');
		screens[order[0] ?? 0]?.release();
		process.stderr.write('two\n');
		expect(seen).toBe('');
		screens[order[1] ?? 0]?.release();
		process.stderr.write('three\n');
		expect(seen).toBe('one\ntwo\nthree\n');
	}
});
