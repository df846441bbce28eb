import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {Header, type HeaderData} from 'tar';
import {afterAll, describe, expect, it} from 'vitest';
import {unpackFolder} from '../../source/hub/files/folder-archive.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-archive-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

interface Entry {
	readonly path: string;
	readonly type?: NonNullable<HeaderData['type']>;
	readonly mode?: number;
	readonly linkpath?: string;
}

/** A handmade tar file, with entries that tar programs do not write. */
function archive(name: string, ...entries: readonly Entry[]): string {
	const blocks = entries.flatMap(({path, type = 'File', mode = 0o644, linkpath}) => {
		const content = type === 'File' ? Buffer.from('content') : Buffer.alloc(0);
		const header = new Header({
			path,
			type,
			mode,
			size: content.length,
			uid: 12_345,
			gid: 12_345,
			...(linkpath === undefined ? {} : {linkpath}),
		});
		header.encode();
		const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
		return [header.block ?? Buffer.alloc(512), content, padding];
	});
	const file = join(folder, `${name}.tar.gz`);
	writeFileSync(file, gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
	return file;
}

describe('an archive of unknown origin', () => {
	it('becomes files and folders that only this user can access: neither modes nor owners are kept', async () => {
		const file = archive(
			'modes',
			{path: 'pg/', type: 'Directory', mode: 0o7777},
			{path: 'pg/setuid', mode: 0o4755},
			{path: 'pg/setgid', mode: 0o2777},
			{path: 'pg/nobody', mode: 0o000},
		);
		const to = join(folder, 'modes');
		await unpackFolder(file, to);
		expect(statSync(join(to, 'pg')).mode & 0o7777).toBe(0o700);
		for (const name of ['setuid', 'setgid', 'nobody']) {
			const {mode, uid, gid} = statSync(join(to, 'pg', name));
			expect({mode: mode & 0o7777, uid, gid}).toEqual({mode: 0o600, uid: process.getuid?.(), gid: process.getgid?.()});
		}
		expect(readFileSync(join(to, 'pg/setuid'), 'utf8')).toBe('content');
	});

	it.each<[string, ...Entry[]]>([
		['a symbolic link', {path: 'pg', type: 'SymbolicLink', linkpath: '/etc'}],
		['a file through a link', {path: 'pg', type: 'SymbolicLink', linkpath: '..'}, {path: 'pg/escaped'}],
		['a hard link', {path: 'pg', type: 'Link', linkpath: '/etc/passwd'}],
		['a device', {path: 'pg', type: 'CharacterDevice'}],
		['a block device', {path: 'pg', type: 'BlockDevice'}],
		['a pipe', {path: 'pg', type: 'FIFO'}],
		['a path above', {path: '../escaped'}],
		['a path above, hidden', {path: 'pg/../../escaped'}],
		['an absolute path', {path: join(folder, 'escaped')}],
	])('is refused with %s, and nothing is written outside', async (name, ...entries) => {
		const to = join(folder, name.replaceAll(/\W/g, '-'));
		const before = readdirSync(folder);
		await expect(unpackFolder(archive(name.replaceAll(/\W/g, '_'), ...entries), to)).rejects.toThrow(Error);
		expect(existsSync(join(folder, 'escaped'))).toBe(false);
		const added = readdirSync(folder).filter(each => !before.includes(each));
		expect(added.every(each => each.startsWith(name.split(' ')[0] ?? ''))).toBe(true);
	});
});
