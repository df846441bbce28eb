import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {dirname, sep} from 'node:path';

export type NoSpace = 'full' | 'torn' | 'readonly';

/**
 * From now on, while the file `flag` is there, what this process does to files below its folder fails as on a disk that is
 * full (`torn`: after a half of the first write to a file) or read-only. The functions of node:fs are changed, in this thread.
 */
export function failing(kind: NoSpace, flag: string): void {
	const {existsSync, fstatSync, openSync, readlinkSync, writeSync, write} = fs;
	const below = `${dirname(flag)}${sep}`;
	const torn = new Set<string>();
	const isOn = (): boolean => {
		const on = existsSync(flag);
		if (!on) torn.clear();
		return on;
	};
	const isOurs = (path: unknown): boolean => String(path).startsWith(below);
	const code = kind === 'readonly' ? 'EROFS' : 'ENOSPC';
	const failure = (what: string): Error => {
		const [errno, text] = code === 'EROFS' ? [-30, 'read-only file system'] : [-28, 'no space left on device'];
		return Object.assign(new Error(`${code}: ${text}, ${what}`), {code, errno, syscall: what});
	};

	/** How many of these bytes can still be written there. Throws if none can. */
	const room = (fd: number, length: number, position: number | null): number => {
		const path = readlinkSync(`/proc/self/fd/${fd}`);
		if (!isOurs(path) || !isOn()) return length;
		if (kind === 'readonly') throw failure('write');
		const {size} = fstatSync(fd);
		if ((position ?? size) + length <= size) return length;
		if (kind === 'full' || torn.has(path) || length < 2) throw failure('write');
		torn.add(path);
		return Math.floor(length / 2);
	};

	fs.writeSync = ((fd: number, data: NodeJS.ArrayBufferView | string, ...rest: readonly (number | null)[]): number => {
		const bytes =
			typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
		const [offset, length, position] =
			typeof data === 'string'
				? [0, bytes.length, null]
				: [rest[0] ?? 0, rest[1] ?? bytes.length - (rest[0] ?? 0), rest[2] ?? null];
		return writeSync(fd, bytes, offset, room(fd, length, position), position);
	}) as typeof writeSync;
	fs.write = ((fd: number, ...rest: unknown[]): void => {
		const done = rest.at(-1) as (error: Error) => void;
		try {
			room(fd, 1, null);
		} catch (error) {
			process.nextTick(done, error);
			return;
		}
		Reflect.apply(write, fs, [fd, ...rest]);
	}) as typeof write;

	const creates = (flags: number | string): boolean =>
		typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : /[wa]/.test(flags);
	const writes = (flags: number | string): boolean =>
		typeof flags === 'number' ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0 : /[wa+]/.test(flags);
	const refusesOpen = (path: unknown, flags: number | string): boolean =>
		isOurs(path) && isOn() && (kind === 'readonly' ? writes(flags) : creates(flags) && !existsSync(String(path)));
	fs.openSync = ((path: fs.PathLike, flags?: fs.OpenMode, mode?: fs.Mode) => {
		if (refusesOpen(path, flags ?? 'r')) throw failure('open');
		return openSync(path, flags ?? 'r', mode);
	}) as typeof openSync;

	// What makes something, and on a disk that cannot be changed everything that changes anything. By what it is done to.
	const making = ['mkdirSync', 'mkdtempSync', 'writeFileSync', 'appendFileSync'] as const;
	const copying = ['cpSync', 'copyFileSync', 'linkSync', 'symlinkSync'] as const;
	const changing = [
		'renameSync',
		'unlinkSync',
		'rmSync',
		'rmdirSync',
		'chmodSync',
		'truncateSync',
		'utimesSync',
	] as const;
	const refuse = (name: keyof typeof fs, target: 0 | 1): void => {
		const original = fs[name] as (...words: unknown[]) => unknown;
		const refusing = (...words: unknown[]): unknown => {
			if (isOurs(words[target]) && isOn()) throw failure(name.replace('Sync', ''));
			return Reflect.apply(original, fs, words);
		};
		Object.assign(fs, {[name]: refusing});
	};
	for (const name of making) refuse(name, 0);
	for (const name of copying) refuse(name, 1);
	if (kind === 'readonly') for (const name of changing) refuse(name, 0);
	syncBuiltinESMExports();
}
