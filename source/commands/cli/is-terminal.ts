import {fstatSync, statSync} from 'node:fs';

/** Whether a file descriptor of this process is a terminal. node:tty is only loaded for a device that may be one. */
export function isTerminal(descriptor: number): boolean {
	try {
		const found = fstatSync(descriptor);
		if (!found.isCharacterDevice()) return false;
		if (found.rdev === statSync('/dev/null', {throwIfNoEntry: false})?.rdev) return false;
	} catch {
		// It is closed.
		return false;
	}
	return process.getBuiltinModule('node:tty').isatty(descriptor);
}
