// `node --import .../set-clock.ts`: a clock that a test can set while the program runs. AGENTMUX_TEST_CLOCK names a file with the
// milliseconds by which it is ahead, or behind when negative. PGlite asks its thread for the time, and has that clock too.
import {readFileSync} from 'node:fs';

const file = process.env['AGENTMUX_TEST_CLOCK'];
if (file !== undefined) {
	const RealDate = Date;
	const {now} = Date;
	let ahead = 0;
	const read = (): void => {
		ahead = Number(readFileSync(file, 'utf8'));
	};
	read();
	setInterval(read, 20).unref();
	Date.now = () => now() + ahead;
	globalThis.Date = new Proxy(RealDate, {
		construct: (target, args: unknown[], self) =>
			Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, self as new () => Date) as Date,
	});
}
