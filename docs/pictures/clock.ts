// Loaded before a program (node --import): its clock shows what the file AGENTMUX_CLOCK says, in milliseconds since 1970,
// and stands still until that changes. So a picture shows the same times whenever it is made.
import {readFileSync} from 'node:fs';

const file = process.env['AGENTMUX_CLOCK'];
if (file === undefined) throw new Error('AGENTMUX_CLOCK names no file.');

const RealDate = Date;
let shown = 0;

/** The file as it stands; while it is being replaced, what it said last. */
function read(path: string): number {
	const said = Number(readFileSync(path, 'utf8'));
	if (said > 0) shown = said;
	return shown;
}

globalThis.Date = new Proxy(RealDate, {
	construct: (target, given: ConstructorParameters<DateConstructor> | [], self) =>
		Reflect.construct(target, given.length === 0 ? [read(file)] : given, self) as Date,
	apply: target => new target(read(file)).toString(),
	get: (target, name, self) => (name === 'now' ? () => read(file) : (Reflect.get(target, name, self) as unknown)),
});
