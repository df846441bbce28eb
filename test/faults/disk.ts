// `node --import .../disk.ts`: a disk which a test can cut off, fill up or make read-only.
//   AGENTMUX_FAULT=cut:N        at the Nth write the power fails: of what was written and not yet fsynced each sector stays or
//                               not, by chance, and the process is gone. Names are kept, as a journal keeps them.
//   AGENTMUX_FAULT=lie:N        the same on a disk that only says that it has synced: a control, which must lose something
//   AGENTMUX_FAULT=full:FILE    while FILE is there, nothing in its folder can be made or become longer (ENOSPC)
//   AGENTMUX_FAULT=torn:FILE    the same, and of the first write to each file a half gets through
//   AGENTMUX_FAULT=readonly:FILE   while FILE is there, nothing in its folder can be changed (EROFS)
// The first two are the disk of the database's thread alone, the others that of the whole process.
import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import path from 'node:path';
import {isMainThread} from 'node:worker_threads';
import {failing} from './no-space.ts';

const [kind = '', argument = ''] = (process.env['AGENTMUX_FAULT'] ?? '').split(/:(.*)/s);
if (kind === 'full' || kind === 'torn' || kind === 'readonly') failing(kind, argument);

const page = 4096;
const sector = 512;

/** What a file held where it was written since it was last fsynced. */
interface Undo {
	size: number;
	readonly pages: Map<number, Buffer>;
}

if (!isMainThread && (kind === 'cut' || kind === 'lie')) {
	const {writeSync, ftruncateSync, truncateSync, fsyncSync, fdatasyncSync, renameSync, unlinkSync, fstatSync} = fs;
	const undone = new Map<string, Undo>();
	let writes = 0;

	const nameOf = (fd: number): string => fs.readlinkSync(`/proc/self/fd/${fd}`);
	const isData = (name: string): boolean => name.includes('/data/pg');
	/** The name that a descriptor of it would have: the hub opens its files below a folder that it holds. */
	const realName = (name: fs.PathLike): string =>
		path.join(fs.realpathSync(path.dirname(String(name))), path.basename(String(name)));

	const remember = (fd: number, from: number, to: number): void => {
		const name = nameOf(fd);
		if (!isData(name)) return;
		const undo = undone.get(name) ?? {size: fstatSync(fd).size, pages: new Map<number, Buffer>()};
		undone.set(name, undo);
		for (let at = Math.floor(from / page); at * page < to; at += 1) {
			if (undo.pages.has(at)) continue;
			const old = Buffer.alloc(page);
			// The descriptor may be open for writing alone.
			const reader = fs.openSync(name, 'r');
			fs.readSync(reader, old, 0, page, at * page);
			fs.closeSync(reader);
			undo.pages.set(at, old);
		}
	};

	const fail = (): never => {
		for (const [name, {size, pages}] of undone) {
			const file = fs.openSync(name, 'r+');
			for (const [at, old] of pages) {
				for (let within = 0; within < page; within += sector) {
					const position = at * page + within;
					if (Math.random() < 0.5 && position < fstatSync(file).size) writeSync(file, old, within, sector, position);
				}
			}
			if (Math.random() < 0.5 && fstatSync(file).size > size) ftruncateSync(file, size);
			fs.closeSync(file);
		}
		process.kill(process.pid, 'SIGKILL');
		for (;;);
	};

	fs.writeSync = ((fd: number, bytes: Buffer, offset: number, length: number, position: number) => {
		writes += 1;
		if (writes === Number(argument)) fail();
		remember(fd, position, position + length);
		return writeSync(fd, bytes, offset, length, position);
	}) as typeof writeSync;
	fs.ftruncateSync = (fd, length = 0) => {
		remember(fd, length ?? 0, fstatSync(fd).size);
		ftruncateSync(fd, length);
	};
	fs.truncateSync = (path, length = 0) => {
		const file = fs.openSync(path, 'r+');
		remember(file, length ?? 0, fstatSync(file).size);
		fs.closeSync(file);
		truncateSync(path, length);
	};
	const synced = (fd: number): void => {
		if (kind === 'cut') undone.delete(nameOf(fd));
	};
	fs.fsyncSync = fd => {
		fsyncSync(fd);
		synced(fd);
	};
	fs.fdatasyncSync = fd => {
		fdatasyncSync(fd);
		synced(fd);
	};
	fs.renameSync = (from, to) => {
		const [before, after] = [realName(from), realName(to)];
		renameSync(from, to);
		const undo = undone.get(before);
		undone.delete(after);
		undone.delete(before);
		if (undo !== undefined) undone.set(after, undo);
	};
	fs.unlinkSync = file => {
		const name = realName(file);
		unlinkSync(file);
		undone.delete(name);
	};
	syncBuiltinESMExports();
}
